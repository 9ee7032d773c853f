<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\content_moderation\ModerationInformationInterface;
use Drupal\node\NodeInterface;

/**
 * What holds where the site moderates products (core's Content Moderation).
 *
 * A page's state is its editors': new pages begin as the workflow says, what
 * the backend changes keeps the state, and a draft that waits above a page
 * stays above it.
 */
final class Moderation {

  public function __construct(
    private readonly ?ModerationInformationInterface $information,
    private readonly EntityTypeManagerInterface $entityTypes,
  ) {}

  /**
   * Publishes or unpublishes a node or a translation of it.
   *
   * A moderated one goes into the workflow's first state that is so and is what
   * visitors are shown; where there is none it stays as it is.
   */
  public function publish(NodeInterface $node, bool $is_published): void {
    if (!$this->information?->isModeratedEntity($node)) {
      $is_published ? $node->setPublished() : $node->setUnpublished();
      return;
    }
    foreach ($this->information->getWorkflowForEntity($node)->getTypePlugin()->getStates() as $id => $state) {
      if ($state->isPublishedState() === $is_published && $state->isDefaultRevisionState()) {
        $node->set('moderation_state', $id);
        return;
      }
    }
  }

  /**
   * The draft that waits above what visitors are shown; NULL where none does.
   */
  public function draft(NodeInterface $node): ?NodeInterface {
    if ($node->isNew() || !$this->information?->isModeratedEntity($node) || !$this->information->hasPendingRevision($node)) {
      return NULL;
    }
    $storage = $this->entityTypes->getStorage('node');
    return $storage->loadRevision($storage->getLatestRevisionId($node->id()));
  }

  /**
   * Puts a draft above its page again, with what its editor had left alone.
   *
   * @param \Drupal\node\NodeInterface $draft
   *   As its editor left it.
   * @param \Drupal\node\NodeInterface $before
   *   The page that it was made from.
   * @param \Drupal\node\NodeInterface $after
   *   The page now.
   * @param string[] $fields
   *   The fields of the node that were changed.
   */
  public function keepAbove(NodeInterface $draft, NodeInterface $before, NodeInterface $after, array $fields): void {
    foreach (array_keys($draft->getTranslationLanguages()) as $langcode) {
      if (!$before->hasTranslation($langcode) || !$after->hasTranslation($langcode)) {
        continue;
      }
      [$theirs, $old, $new] = [$draft->getTranslation($langcode), $before->getTranslation($langcode), $after->getTranslation($langcode)];
      foreach ($fields as $field) {
        if ($theirs->get($field)->equals($old->get($field))) {
          $theirs->set($field, $new->get($field)->getValue());
        }
      }
    }
    $draft->setNewRevision(TRUE);
    $draft->isDefaultRevision(FALSE);
    $draft->save();
  }

}
