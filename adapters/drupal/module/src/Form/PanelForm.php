<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Form;

use Drupal\Core\Form\FormBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\Core\Url;
use Drupal\commerce_connector\Panel\Panel;
use Drupal\commerce_connector\Panel\Requests;
use Drupal\node\NodeInterface;
use Symfony\Component\DependencyInjection\ContainerInterface;
use Symfony\Component\HttpKernel\Exception\NotFoundHttpException;

/**
 * The panel of one product: how it stands, who decides what, what to ask.
 */
final class PanelForm extends FormBase {

  private Panel $panel;
  private Requests $requests;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container) {
    $form = new self();
    $form->panel = $container->get('commerce_connector.panel');
    $form->requests = $container->get('commerce_connector.requests');
    return $form;
  }

  /**
   * {@inheritdoc}
   */
  public function getFormId() {
    return 'commerce_connector_panel_form';
  }

  /**
   * {@inheritdoc}
   */
  public function buildForm(array $form, FormStateInterface $form_state, ?NodeInterface $node = NULL) {
    $binding = $node ? $this->panel->binding($node) : NULL;
    if (!$binding) {
      throw new NotFoundHttpException('This page shows no product of the shop.');
    }
    $form_state->set('binding', $binding);
    $shown = $this->panel->of($binding);
    $may_take = $this->currentUser()->hasPermission(Panel::TAKE_OVER);
    $form['#attached']['library'][] = 'commerce_connector/panel';
    $form['#cache']['max-age'] = 0;
    $form['state'] = ['#theme' => 'commerce_connector_panel', '#panel' => $shown, '#state_url' => Url::fromRoute('commerce_connector.panel.state', ['node' => $node->id()])->toString()];
    $form['ask'] = ['#type' => 'actions', '#weight' => 0, 'resync' => self::button($this->t('Resync now'), 'resync') + ['#button_type' => 'primary'], 'preview' => self::button($this->t('What would change?'), 'preview')];
    $form['kept'] = $this->kept($form_state, array_column($shown['conflicts'], 'mark'));
    foreach ($shown['conflicts'] as $one) {
      $form["conflict_{$one['mark']}"] = $one['decided'] === '' ? $this->conflict($one) : ['#markup' => '<p>' . $this->t('Decided by @by; it is written shortly.', ['@by' => $one['decided']]) . '</p>'];
    }
    $form['owners'] = ['#type' => 'details', '#title' => $this->t('Who decides what'), '#open' => TRUE];
    if (!$may_take) {
      $form['owners']['right'] = ['#markup' => '<p>' . $this->t('You may look at this, but not take fields over. An editor with more rights can.') . '</p>'];
    }
    foreach ($shown['groups'] as $name => $group) {
      $form['owners'][$name] = $this->group($name, $group, $may_take);
    }
    return $form;
  }

  /**
   * {@inheritdoc}
   *
   * Buttons bear the marks of conflicts: where one was changed meanwhile, what
   * was pressed is not there any more, and nothing is decided unseen.
   */
  public function validateForm(array &$form, FormStateInterface $form_state) {
    if (!isset($form_state->getUserInput()[$form_state->getTriggeringElement()['#name'] ?? ''])) {
      $form_state->setErrorByName('', $this->t('Not done: it was changed again meanwhile. Please look at it once more.'));
    }
  }

  /**
   * {@inheritdoc}
   */
  public function submitForm(array &$form, FormStateInterface $form_state) {
    $wish = $form_state->getTriggeringElement()['#wish'] ?? NULL;
    if (!$wish) {
      return;
    }
    if (in_array($wish['action'], ['take_over', 'give_back'], TRUE) && !$this->currentUser()->hasPermission(Panel::TAKE_OVER)) {
      $this->messenger()->addError($this->t('You may not take fields over from the shop. Ask an editor with more rights.'));
      return;
    }
    if (($wish['choice'] ?? '') === 'value') {
      $wish['value'] = str_replace("\r\n", "\n", (string) $form_state->getValue($wish['third']));
      unset($wish['third']);
      if (in_array($wish['field'], Panel::LINES, TRUE)) {
        $wish['value'] = array_values(array_unique(array_filter(array_map('trim', explode("\n", $wish['value'])), 'strlen')));
      }
    }
    $this->requests->ask($form_state->get('binding'), $wish);
  }

  /**
   * What was written about conflicts that are others now, so that it is not lost.
   */
  private function kept(FormStateInterface $form_state, array $marks): array {
    $kept = [];
    foreach ($form_state->getUserInput() as $name => $text) {
      if (str_starts_with($name, 'third_') && !in_array(substr($name, 6), $marks, TRUE) && is_string($text)) {
        $kept[] = ['#type' => 'item', '#title' => $this->t('What you wrote'), 'text' => self::text($text)];
      }
    }
    return $kept;
  }

  /**
   * Both sides beside each other, and what can be decided.
   */
  private function conflict(array $one): array {
    $mark = $one['mark'];
    $wish = ['action' => 'resolve', 'field' => $one['field'], 'seen' => $one['mark']];
    $by = $one['by'] === '' ? '' : ' ' . $this->t('by @by, @ago', ['@by' => $one['by'], '@ago' => $one['edited']]);
    $build = [
      '#type' => 'details',
      '#title' => $this->t('@field: changed here and in the shop', ['@field' => $one['label']]),
      '#open' => TRUE,
      '#attributes' => ['class' => ['commerce-connector-conflict']],
      'hint' => ['#markup' => '<p>' . $this->t('The page shows your words until you decide.') . '</p>'],
      'sides' => [
        '#type' => 'container',
        '#attributes' => ['class' => ['commerce-connector-sides']],
        'page' => self::side($this->t('On this page') . $by, $one['page'], self::button($this->t("Keep the page's"), "resolve_{$mark}_site", $wish + ['choice' => 'site'])),
        'shop' => self::side($this->t('In the shop') . ' ' . $one['found'], $one['shop'], self::button($this->t("Use the shop's"), "resolve_{$mark}_backend", $wish + ['choice' => 'backend'])),
      ],
    ];
    if ($one['base'] !== NULL) {
      $build['base'] = ['#type' => 'details', '#title' => $this->t('Before both changes'), 'text' => self::text($one['base'])];
    }
    if ($one['third'] !== NULL) {
      $build["third_$mark"] = ['#type' => 'textarea', '#title' => $this->t('Or write it anew'), '#description' => $one['is_list'] ? $this->t('One entry a line. Nothing is saved until you press the button.') : $this->t("Begins as the page's words. Nothing is saved until you press the button."), '#default_value' => $one['third'], '#rows' => 6];
      $build['use_third'] = self::button($this->t('Use this text'), "resolve_{$mark}_value", $wish + ['choice' => 'value', 'third' => "third_$mark"]);
    }
    return $build;
  }

  /**
   * The fields that one side decides, with what can be asked of each.
   */
  private function group(string $name, array $group, bool $may_take): array {
    $build = ['#type' => 'fieldset', '#title' => $group['label'], '#description' => $group['why'], '#attributes' => ['class' => ['commerce-connector-owner', "is-$name"]]];
    foreach ($group['fields'] as $line) {
      $key = preg_replace('/[^a-z0-9]+/i', '_', $line['field']);
      $build[$key] = ['#type' => 'container', '#attributes' => ['class' => ['commerce-connector-field']], 'label' => ['#plain_text' => $line['label'] . ((string) $line['note'] === '' ? '' : " – {$line['note']}")]];
      if ($may_take && $line['offer'] !== '') {
        $takes = $line['offer'] === 'take_over';
        $build[$key]['ask'] = self::button($takes ? $this->t('Take over') : $this->t('Give back'), "{$line['offer']}_$key", ['action' => $line['offer'], 'field' => $line['field']]);
        $build[$key]['ask']['#attributes'] = ['aria-label' => $takes ? $this->t('Take @field over from the shop, on this page', ['@field' => $line['label']]) : $this->t('Give @field back to the shop', ['@field' => $line['label']])];
      }
    }
    return $build;
  }

  private static function side(string $title, string $value, array $choose): array {
    return ['#type' => 'fieldset', '#title' => trim($title), 'text' => self::text($value), 'choose' => $choose];
  }

  private static function text(string $value): array {
    return ['#type' => 'html_tag', '#tag' => 'pre', '#attributes' => ['tabindex' => '0'], 'value' => ['#plain_text' => $value]];
  }

  private static function button(object $title, string $name, ?array $wish = NULL): array {
    return ['#type' => 'submit', '#value' => $title, '#name' => $name, '#wish' => $wish ?? ['action' => $name]];
  }

}
