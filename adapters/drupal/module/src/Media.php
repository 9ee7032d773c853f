<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\File\FileSystemInterface;
use Drupal\Core\File\FileUrlGeneratorInterface;
use Drupal\commerce_connector\Exception\Refused;

/**
 * Pictures from the backend as media: each one once, known by its SHA-256.
 *
 * A picture is claimed by a row before the work begins, because no transaction
 * should be open meanwhile. A claim that its request did not live to fulfil
 * lapses.
 */
final class Media {

  private const CLAIM_SECONDS = 120;
  private const WAITS = 40;
  private const WAIT_MICROSECONDS = 250000;
  private const FOLDER = 'public://commerce-connector';
  private const TYPES = ['image/png' => 'png', 'image/jpeg' => 'jpg', 'image/gif' => 'gif', 'image/webp' => 'webp', 'image/avif' => 'avif'];

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly Mapping $mapping,
    private readonly FileSystemInterface $files,
    private readonly FileUrlGeneratorInterface $urls,
    private readonly Role $role,
    private readonly TimeInterface $time,
  ) {}

  /**
   * Whether there is a media type for pictures.
   */
  public function isReady(): bool {
    return (bool) $this->entityTypes->getStorage('media_type')->load($this->mapping->setting('media_type'));
  }

  /**
   * Those of the pictures that the site has.
   *
   * @return array[]
   *   Hash to cms_id and url.
   */
  public function find(array $hashes): array {
    if (!$hashes) {
      return [];
    }
    $rows = $this->database->query('SELECT m.[content_hash], m.[object_id] FROM {commerce_connector_media} m INNER JOIN {media} e ON e.[mid] = m.[object_id] WHERE m.[content_hash] IN (:hashes[])', [':hashes[]' => $hashes])->fetchAllKeyed();
    $media = $rows ? $this->entityTypes->getStorage('media')->loadMultiple($rows) : [];
    $found = [];
    foreach ($rows as $hash => $id) {
      if (isset($media[$id])) {
        $found[$hash] = ['cms_id' => (string) $id, 'url' => $this->url($media[$id])];
      }
    }
    return $found;
  }

  /**
   * Stores a picture, or finds the one with the same bytes.
   *
   * @return array
   *   With cms_id and url.
   */
  public function store(string $hash, string $filename, string $alt, string $bytes): array {
    if (hash('sha256', $bytes) !== $hash) {
      throw new Refused(422, 'media', 'The bytes are not those of the hash.');
    }
    $found = $this->find([$hash]);
    for ($waits = 0; !$found && !$this->claim($hash); $waits++) {
      if ($waits >= self::WAITS) {
        throw new Refused(503, 'busy', 'Another request stores this picture now.');
      }
      usleep(self::WAIT_MICROSECONDS);
      $found = $this->find([$hash]);
    }
    if ($found) {
      return $found[$hash];
    }
    try {
      $media = $this->make($hash, $filename, $alt, $bytes);
    }
    catch (\Exception $error) {
      $this->database->delete('commerce_connector_media')->condition('content_hash', $hash)->execute();
      throw $error;
    }
    $this->database->update('commerce_connector_media')->fields(['object_id' => $media->id()])->condition('content_hash', $hash)->execute();
    return ['cms_id' => (string) $media->id(), 'url' => $this->url($media)];
  }

  /**
   * Forgets a picture that a person deleted.
   */
  public function deleted(int|string $id): void {
    $this->database->delete('commerce_connector_media')->condition('object_id', $id)->execute();
  }

  /**
   * Whether this request is the one to store the picture.
   */
  private function claim(string $hash): bool {
    $transaction = $this->database->startTransaction();
    Writes::upsert($this->database, 'commerce_connector_media', 'content_hash', [['content_hash' => $hash]]);
    $row = $this->database->query('SELECT m.[claimed_at], e.[mid] FROM {commerce_connector_media} m LEFT JOIN {media} e ON e.[mid] = m.[object_id] WHERE m.[content_hash] = :hash', [':hash' => $hash])->fetchAssoc();
    $now = $this->time->getCurrentTime();
    $is_ours = $row && (int) $row['claimed_at'] < $now - self::CLAIM_SECONDS && $row['mid'] === NULL;
    if ($is_ours) {
      $this->database->update('commerce_connector_media')->fields(['claimed_at' => $now])->condition('content_hash', $hash)->execute();
    }
    unset($transaction);
    return $is_ours;
  }

  /**
   * Makes a file and a media entity of bytes.
   */
  private function make(string $hash, string $filename, string $alt, string $bytes): object {
    $size = @getimagesizefromstring($bytes);
    $ending = self::TYPES[$size['mime'] ?? ''] ?? NULL;
    if (!$ending) {
      throw new Refused(415, 'media', 'The bytes are no picture of a type that this site takes.');
    }
    $type = $this->entityTypes->getStorage('media_type')->load($this->mapping->setting('media_type'));
    if (!$type) {
      throw new Refused(403, 'setup', 'The media type ' . $this->mapping->setting('media_type') . ' is not there: choose one in the settings of the module.');
    }
    $folder = self::FOLDER;
    if (!$this->files->prepareDirectory($folder, FileSystemInterface::CREATE_DIRECTORY | FileSystemInterface::MODIFY_PERMISSIONS)) {
      throw new Refused(500, 'files', 'The site cannot write into its folder for public files.');
    }
    $stem = trim((string) preg_replace('/[^A-Za-z0-9_-]+/', '-', pathinfo($filename, PATHINFO_FILENAME)), '-');
    $stem = $stem === '' ? 'picture' : substr($stem, 0, 80);
    // The hash keeps names apart, so that nobody's file is replaced.
    $uri = $this->files->saveData($bytes, "$folder/$stem-" . substr($hash, 0, 12) . ".$ending");
    $owner = $this->role->user()?->id() ?? 0;
    $file = $this->entityTypes->getStorage('file')->create(['uri' => $uri, 'uid' => $owner, 'status' => 1]);
    $file->save();
    $source = $type->getSource()->getSourceFieldDefinition($type)->getName();
    $media = $this->entityTypes->getStorage('media')->create([
      'bundle' => $type->id(),
      'uid' => $owner,
      'name' => mb_substr($alt === '' ? $stem : $alt, 0, 255),
      $source => ['target_id' => $file->id(), 'alt' => mb_substr($alt, 0, 512)],
    ]);
    $media->save();
    return $media;
  }

  /**
   * The address of a picture's file.
   */
  private function url(object $media): string {
    $file = $this->entityTypes->getStorage('file')->load($media->getSource()->getSourceFieldValue($media));
    return $file ? $this->urls->generateAbsoluteString($file->getFileUri()) : '';
  }

}
