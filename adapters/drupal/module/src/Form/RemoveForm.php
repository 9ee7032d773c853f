<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Form;

use Drupal\Core\Form\ConfirmFormBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\Core\StringTranslation\TranslatableMarkup;
use Drupal\Core\Url;

/**
 * Asks before everything that came from the backend is removed.
 */
final class RemoveForm extends ConfirmFormBase {

  /**
   * {@inheritdoc}
   */
  public function getFormId() {
    return 'commerce_connector_remove';
  }

  /**
   * {@inheritdoc}
   */
  public function getQuestion() {
    return $this->t('Remove all products, categories, tags and pictures that came from the backend?');
  }

  /**
   * {@inheritdoc}
   */
  public function getDescription() {
    return $this->t('What editors wrote on these pages goes with them. The daemon makes the pages anew when it is told to.');
  }

  /**
   * {@inheritdoc}
   */
  public function getCancelUrl() {
    return new Url('commerce_connector.settings');
  }

  /**
   * {@inheritdoc}
   */
  public function submitForm(array &$form, FormStateInterface $form_state) {
    batch_set([
      'title' => $this->t('Removing'),
      'operations' => [[[self::class, 'step'], []]],
    ]);
    $form_state->setRedirect('commerce_connector.settings');
  }

  /**
   * One step of the batch.
   */
  public static function step(array &$context): void {
    $has_more = \Drupal::service('commerce_connector.removal')->some();
    $context['finished'] = $has_more ? 0.5 : 1;
    $context['message'] = new TranslatableMarkup('Removing what came from the backend.');
  }

}
