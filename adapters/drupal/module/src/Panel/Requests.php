<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Panel;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Uuid\UuidInterface;
use Drupal\Core\Database\Connection;
use Drupal\Core\Session\AccountInterface;
use Drupal\commerce_connector\Events;
use Drupal\commerce_connector\Keys;

/**
 * What editors ask of the daemon, and what it answered.
 *
 * A request is kept with its event in one transaction; the daemon reads it from
 * the event log. Who may ask is decided by who calls.
 */
final class Requests {

  private const KEPT_SECONDS = 30 * 86400;

  /**
   * With what the ids of requests begin that were made together.
   */
  private const BATCH = 'bulk-';

  public function __construct(
    private readonly Connection $database,
    private readonly Events $events,
    private readonly Nudge $nudge,
    private readonly AccountInterface $user,
    private readonly UuidInterface $uuids,
    private readonly TimeInterface $time,
  ) {}

  /**
   * Asks for something of a product; answers the request's id.
   *
   * @param array $binding
   *   The product's binding.
   * @param array $wish
   *   With action, and field, choice, value and seen as the contract has them.
   */
  public function ask(array $binding, array $wish): string {
    $id = $this->keep($binding, $wish);
    $this->nudge->send($binding['backend']);
    return $id;
  }

  /**
   * Asks the same of several products; answers the batch, which ofBatch() takes.
   */
  public function askAll(array $bindings, array $wish): string {
    $batch = self::BATCH . substr(str_replace('-', '', $this->uuids->generate()), 0, 16);
    foreach ($bindings as $place => $binding) {
      $this->keep($binding, $wish, "$batch-$place");
    }
    foreach (array_unique(array_column($bindings, 'backend')) as $backend) {
      $this->nudge->send($backend);
    }
    return $batch;
  }

  /**
   * Keeps what the daemon answered; answers how many requests were known.
   */
  public function answer(string $backend, array $answers): int {
    $written = 0;
    foreach ($answers as $answer) {
      $written += $this->database->update('commerce_connector_requests')
        ->fields(['answer' => Keys::json($answer), 'standing' => (string) $answer->standing])
        ->condition('request_id', $answer->request)
        ->condition('backend', $backend)
        ->execute();
    }
    $this->database->delete('commerce_connector_requests')
      ->condition('standing', ['done', 'refused', 'failed'], 'IN')
      ->condition('asked_at', $this->time->getCurrentTime() - self::KEPT_SECONDS, '<')
      ->execute();
    return $written;
  }

  /**
   * The newest requests of a product, each with its answer (NULL: none yet).
   *
   * @return array[]
   *   With id, subject_key, asked_at, standing, request and answer.
   */
  public function of(string $subject_key, int $limit = 5): array {
    $rows = $this->database->queryRange('SELECT * FROM {commerce_connector_requests} WHERE [subject_key] = :key ORDER BY [id] DESC', 0, $limit, [':key' => $subject_key], ['fetch' => \PDO::FETCH_ASSOC])->fetchAll();
    return array_map(self::read(...), $rows);
  }

  /**
   * The requests that were made together, in the order of the list.
   *
   * @return array[]
   *   As of() gives them.
   */
  public function ofBatch(string $batch): array {
    $like = $this->database->escapeLike("$batch-") . '%';
    $rows = $this->database->query('SELECT * FROM {commerce_connector_requests} WHERE [request_id] LIKE :batch ORDER BY [id]', [':batch' => $like], ['fetch' => \PDO::FETCH_ASSOC])->fetchAll();
    return array_map(self::read(...), $rows);
  }

  private static function read(array $row): array {
    return [
      'id' => $row['request_id'],
      'subject_key' => $row['subject_key'],
      'asked_at' => (int) $row['asked_at'],
      'standing' => $row['standing'],
      'request' => (array) json_decode((string) $row['request'], TRUE),
      'answer' => json_decode((string) $row['answer'], TRUE),
    ];
  }

  private function keep(array $binding, array $wish, ?string $id = NULL): string {
    $id ??= $this->uuids->generate();
    $request = ['id' => $id, 'action' => $wish['action'], 'by' => mb_substr((string) $this->user->getDisplayName(), 0, 100)] + $wish + ['field' => NULL, 'choice' => NULL, 'value' => NULL, 'seen' => ''];
    $transaction = $this->database->startTransaction();
    try {
      $this->database->insert('commerce_connector_requests')->fields([
        'request_id' => $id,
        'subject_key' => $binding['subject_key'],
        'backend' => $binding['backend'],
        'asked_at' => $this->time->getCurrentTime(),
        'standing' => 'waiting',
        'request' => Keys::json($request),
      ])->execute();
      $this->events->asked($binding, $request);
    }
    catch (\Throwable $error) {
      $transaction->rollBack();
      throw $error;
    }
    return $id;
  }

}
