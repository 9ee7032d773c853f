<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Form;

use Drupal\Core\Form\ConfigFormBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\Core\Url;
use Drupal\commerce_connector\Authentication\SignedRequest;
use Drupal\commerce_connector\Mapping;
use Drupal\commerce_connector\Role;
use Drupal\commerce_connector\Secrets;
use Drupal\commerce_connector\Shop\Relay;
use Drupal\commerce_connector\Signature;
use GuzzleHttp\ClientInterface;
use GuzzleHttp\Exception\GuzzleException;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Pair with the daemon, rotate the secret, test; what stands where, what is locked.
 */
final class SettingsForm extends ConfigFormBase {

  private const SETTINGS = 'commerce_connector.settings';

  private Secrets $secrets;
  private Mapping $mapping;
  private Role $role;
  private Relay $relay;
  private ClientInterface $http;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container) {
    $form = parent::create($container);
    $form->secrets = $container->get('commerce_connector.secrets');
    $form->mapping = $container->get('commerce_connector.mapping');
    $form->role = $container->get('commerce_connector.role');
    $form->relay = $container->get('commerce_connector.relay');
    $form->http = $container->get('http_client');
    return $form;
  }

  /**
   * {@inheritdoc}
   */
  public function getFormId() {
    return 'commerce_connector_settings';
  }

  /**
   * {@inheritdoc}
   */
  protected function getEditableConfigNames() {
    return [self::SETTINGS];
  }

  /**
   * {@inheritdoc}
   */
  public function buildForm(array $form, FormStateInterface $form_state) {
    $settings = $this->config(self::SETTINGS);
    $form['connection'] = [
      '#type' => 'fieldset',
      '#title' => $this->t('Connection'),
      'state' => ['#type' => 'item', '#markup' => $this->state()],
    ];
    if ($this->secrets->valid()) {
      $form['connection']['rotate'] = self::button($this->t('Rotate the secret (the old one holds for 24 hours)'), '::rotate');
      $form['connection']['test'] = self::button($this->t('Test the connection'), '::test');
    }
    $form['connection']['pair'] = self::button($this->t('Pair anew (older secrets stop holding at once)'), '::pair');
    $form['places'] = ['#type' => 'details', '#title' => $this->t('What stands where'), '#open' => FALSE];
    $places = [
      'bundle' => $this->t('Content type'),
      'fields.subtitle' => $this->t('Field for the subtitle'),
      'fields.description' => $this->t('Field for the description'),
      'fields.categories' => $this->t('Field for categories'),
      'fields.tags' => $this->t('Field for tags'),
      'fields.media' => $this->t('Field for pictures'),
      'text_format' => $this->t('Text format of descriptions'),
      'category_vocabulary' => $this->t('Vocabulary of categories'),
      'tag_vocabulary' => $this->t('Vocabulary of tags'),
      'media_type' => $this->t('Media type of pictures'),
      'path_prefix' => $this->t('Begin of the addresses of products'),
      'category_path_prefix' => $this->t('Begin of the addresses of categories'),
    ];
    foreach ($places as $name => $title) {
      $form['places'][strtr($name, '.', '_')] = ['#type' => 'textfield', '#title' => $title, '#default_value' => $settings->get($name), '#maxlength' => 64];
    }
    $form['market'] = ['#type' => 'textfield', '#title' => $this->t('Market whose prices are shown'), '#description' => $this->t('Empty: the first one.'), '#default_value' => $settings->get('market'), '#maxlength' => 64];
    $form['relay'] = ['#type' => 'url', '#title' => $this->t('Address of the relay'), '#description' => $this->t("The connector's public address, /v1/ and this site's name there, like https://connector.example/v1/magazine. Pages take the shop's script from it. Empty: nothing can be bought here."), '#default_value' => $settings->get('relay'), '#maxlength' => 255];
    if ($settings->get('relay') && $this->secrets->valid()) {
      $form['test_relay'] = self::button($this->t('Test the relay'), '::testRelay');
    }
    $form['browser_max_age'] = ['#type' => 'number', '#min' => 0, '#max' => 86400, '#title' => $this->t('Seconds for which browsers and proxies may keep pages with prices'), '#description' => $this->t("Drupal's own caches show a new price at once, whatever stands here."), '#default_value' => $settings->get('browser_max_age') ?? 60];
    $form['locked'] = [
      '#type' => 'checkboxes',
      '#title' => $this->t('Locked for editors, because it comes from the backend'),
      '#options' => ['title' => $this->t('Title'), 'subtitle' => $this->t('Subtitle'), 'description' => $this->t('Description'), 'categories' => $this->t('Categories'), 'tags' => $this->t('Tags'), 'media' => $this->t('Pictures')],
      '#default_value' => (array) $settings->get('locked'),
    ];
    $form['remove'] = ['#type' => 'link', '#title' => $this->t('Remove everything that came from the backend'), '#url' => Url::fromRoute('commerce_connector.remove'), '#weight' => 200];
    return parent::buildForm($form, $form_state);
  }

  /**
   * {@inheritdoc}
   */
  public function validateForm(array &$form, FormStateInterface $form_state) {
    $relay = rtrim(trim((string) $form_state->getValue('relay')), '/');
    $form_state->setValue('relay', $relay);
    if ($relay !== '' && !preg_match(Relay::ADDRESS, $relay)) {
      $form_state->setErrorByName('relay', $this->t("The relay's address is written like https://connector.example/v1/magazine."));
    }
    parent::validateForm($form, $form_state);
  }

  /**
   * {@inheritdoc}
   *
   * Makes the daemon's role and user anew where they are gone.
   */
  public function submitForm(array &$form, FormStateInterface $form_state) {
    $settings = $this->config(self::SETTINGS);
    foreach (array_keys($settings->get()) as $name) {
      if (is_string($settings->get($name)) && $form_state->hasValue($name)) {
        $settings->set($name, trim((string) $form_state->getValue($name)));
      }
    }
    foreach (['subtitle', 'description', 'categories', 'tags', 'media'] as $name) {
      $settings->set("fields.$name", trim((string) $form_state->getValue("fields_$name")));
    }
    $settings->set('relay', $form_state->getValue('relay'));
    $settings->set('browser_max_age', (int) $form_state->getValue('browser_max_age'));
    $settings->set('locked', array_values(array_filter($form_state->getValue('locked'))))->save();
    $this->role->make();
    $problem = $this->mapping->problem();
    if ($problem !== NULL) {
      $this->messenger()->addError($problem);
    }
    parent::submitForm($form, $form_state);
  }

  /**
   * Makes a secret in place of all others.
   */
  public function pair(): void {
    $this->show($this->secrets->pair());
  }

  /**
   * Makes a secret; the old one holds on for a day.
   */
  public function rotate(): void {
    $this->show($this->secrets->rotate());
  }

  /**
   * Sends a signed request to this very site.
   */
  public function test(): void {
    $secret = $this->secrets->valid()[0]['secret'] ?? '';
    $now = (string) time();
    try {
      $response = $this->http->request('GET', Url::fromRoute('commerce_connector.api.site', [], ['absolute' => TRUE])->toString(), [
        'timeout' => 10,
        'allow_redirects' => FALSE,
        'http_errors' => FALSE,
        'headers' => ['webhook-id' => 'test', 'webhook-timestamp' => $now, 'webhook-signature' => Signature::sign($secret, 'test', $now, "GET /site\n")],
      ]);
      $answer = (string) $response->getStatusCode();
    }
    catch (GuzzleException $error) {
      $answer = $error->getMessage();
    }
    if ($answer === '200') {
      $this->messenger()->addStatus($this->t('Signed requests reach the site API.'));
    }
    else {
      $this->messenger()->addError($this->t('The site API answered @answer at @root. A firewall or the web server may block it.', ['@answer' => $answer, '@root' => SignedRequest::ROOT]));
    }
  }

  /**
   * Asks the relay for the cart of nobody.
   */
  public function testRelay(): void {
    match ($problem = Relay::problem($this->relay->ask('read_cart', 'cct_test'))) {
      'unknown-cart' => $this->messenger()->addStatus($this->t('The relay answers, and takes our signature.')),
      'signature' => $this->messenger()->addError($this->t('The relay does not take our signature: the daemon has another secret, knows this site by another name, or its clock is wrong.')),
      default => $this->messenger()->addError($this->t('The relay does not answer as it should (@problem). Look at its address, and whether this server may call it.', ['@problem' => $problem])),
    };
  }

  private function show(string $secret): void {
    $this->messenger()->addStatus($this->t('Give this secret to the daemon now; it is not shown again: @secret', ['@secret' => $secret]));
  }

  /**
   * The state of the connection in one sentence.
   */
  private function state(): object {
    $seen = $this->secrets->seen();
    return match (TRUE) {
      !$this->secrets->valid() => $this->t('Not paired yet.'),
      $seen === NULL => $this->t('Paired; the daemon has not asked yet.'),
      default => $this->t("Paired; the last signed request came @minutes minutes ago. The daemon's clock differs by @skew seconds.", ['@minutes' => intdiv(max(0, time() - $seen['at']), 60), '@skew' => $seen['skew']]),
    };
  }

  private static function button(object $title, string $handler): array {
    return ['#type' => 'submit', '#value' => $title, '#submit' => [$handler], '#limit_validation_errors' => [], '#name' => ltrim($handler, ':')];
  }

}
