<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Shop;

use Drupal\Core\Routing\TrustedRedirectResponse;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\Core\Url;
use Drupal\commerce_connector\View;
use Symfony\Component\HttpFoundation\RedirectResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * What forms of shoppers ask for where there is no script.
 *
 * They post to the pages of cart and checkout, which no cache keeps. What is
 * done leads back to where the shopper was, on this site and nowhere else but
 * to the engine's checkout; what is not done is said in the answer itself.
 */
final class Forms {

  use StringTranslationTrait;

  public const FIELD = 'commerce-connector';
  public const SAID = 'commerce-said';
  public const FORM = 'commerce-form';
  public const STEP = 'commerce-step';
  private const ASKS = ['add', 'set', 'remove', 'apply', 'drop', 'checkout', 'contact', 'shipping', 'payment', 'complete'];
  private const MOST = 999;

  private Request $request;

  /**
   * What the page says: form, tone, texts, fields, again, status.
   */
  private array $said = [];

  public function __construct(
    private readonly Relay $relay,
    private readonly Shopper $shopper,
    private readonly Checkout $checkout,
    private readonly View $view,
    TranslationInterface $string_translation,
  ) {
    $this->setStringTranslation($string_translation);
  }

  /**
   * Takes a form, where one was sent; answers where to go, NULL: stay.
   */
  public function take(Request $request): ?Response {
    $this->request = $request;
    $ask = $this->text(self::FIELD);
    if (!$request->isMethod('POST') || !in_array($ask, self::ASKS, TRUE) || !$this->relay->isThere()) {
      return NULL;
    }
    return match ($this->shopper->sentBy()) {
      'us' => $this->$ask(),
      'others' => $this->refuse(403, [$this->t("This was sent by another site, so nothing was done. Please use the shop's own page.")]),
      default => $this->refuse(409, [$this->t('Your browser does not say which page this comes from. Please confirm that it was you.')], ['again' => $this->again($this->t('Confirm'), $this->shopper->confirmation())]),
    };
  }

  /**
   * What the page says; [] where there is nothing to be said.
   */
  public function said(): array {
    if (!$this->said && $before = $this->shopper->saidBefore()) {
      $this->say($before[0] === 'alert' ? 'alert' : 'status', array_map('strval', (array) $before[1]));
    }
    return $this->said;
  }

  /**
   * What was written into the first step just now.
   */
  public function written(): array {
    return $this->text(self::FIELD) === 'contact' ? $this->contactFields() : [];
  }

  /**
   * What is said where the shop does not answer.
   */
  public function awayText(): object {
    return $this->t('The shop does not answer just now. Nothing is lost, and nothing is done twice: please try again in a moment.');
  }

  // The cart.

  /**
   * Puts an article into the cart, which is made if there is none.
   */
  private function add(): ?Response {
    $line = ['variant' => $this->text('variant'), 'quantity' => $this->quantity(1)];
    if ($line['quantity'] === NULL) {
      return $this->refuse(422, [$this->quantityText()]);
    }
    $id = $this->shopper->intention($line);
    $token = $this->shopper->token();
    $answer = $token === '' ? NULL : $this->relay->ask('add_line', $token, $line, $id);
    if (!$answer || in_array(Relay::problem($answer), ['unknown-cart', 'ordered'], TRUE)) {
      $answer = $this->relay->ask('create_cart', '', ['lines' => [$line]] + array_filter(['market' => $this->view->market()]), "$id-cart");
    }
    if (!$this->isDone($answer)) {
      return NULL;
    }
    $form = $this->form();
    $back = $this->cameFrom();
    if ($back === NULL) {
      $this->shopper->sayNext('status', [(string) $this->t('It is in your cart.')]);
      return self::to(Url::fromRoute('commerce_connector.shop.cart')->toString());
    }
    return self::to($back . (str_contains($back, '?') ? '&' : '?') . http_build_query([self::SAID => 'added', self::FORM => $form]) . ($form === '' ? '' : "#$form"));
  }

  /**
   * Sets a line's quantity; 0 takes it out.
   */
  private function set(): ?Response {
    $quantity = $this->quantity(0);
    return $quantity === NULL
      ? $this->refuse(422, [$this->quantityText()])
      : $this->change('set_line', ['quantity' => $quantity], ['line' => $this->text('line')], $this->t('Your cart is up to date.'));
  }

  private function remove(): ?Response {
    return $this->change('remove_line', [], ['line' => $this->text('line')], $this->t('It is no longer in your cart.'));
  }

  private function apply(): ?Response {
    return $this->change('add_promotion', ['code' => $this->text('code')], [], $this->t('The code is applied.'), 'code');
  }

  private function drop(): ?Response {
    return $this->change('remove_promotion', [], ['code' => $this->text('code')], $this->t('The code is taken away.'));
  }

  /**
   * Changes the cart and says so on its page.
   */
  private function change(string $action, array $body, array $more, object $says, string $field = ''): ?Response {
    if (!$this->isDone($this->ask($action, $body, $more), $field)) {
      return NULL;
    }
    $this->shopper->sayNext('status', [(string) $says]);
    return $this->stay();
  }

  // The checkout.

  /**
   * Looks at prices and stock again, then goes on by the engine or by steps.
   */
  private function checkout(): ?Response {
    $answer = $this->ask('checkout', ['return_url' => Url::fromRoute('commerce_connector.shop.checkout', [], ['absolute' => TRUE])->toString()]);
    if (!$this->isDone($answer)) {
      return NULL;
    }
    $is_elsewhere = $answer['body']['kind'] === 'redirect';
    $changes = self::changes($answer);
    if ($changes) {
      $this->shopper->sayNext('alert', $changes);
    }
    if ($changes || !$is_elsewhere) {
      return $is_elsewhere ? $this->stay() : $this->step('contact');
    }
    // The engine's checkout, as the relay signs for it: the one way off the site.
    $url = (string) $answer['body']['url'];
    return preg_match('#^https?://#i', $url) ? new TrustedRedirectResponse($url, 303) : $this->refuse(502, [$this->awayText()]);
  }

  /**
   * Who orders, and where it goes.
   */
  private function contact(): ?Response {
    $written = $this->contactFields();
    $wrong = $this->checkout->problems($written);
    if ($wrong) {
      return $this->refuse(422, [$this->t('Please look at these fields again.')], ['fields' => $wrong]);
    }
    $email = $written['email'];
    unset($written['email']);
    return $this->isDone($this->ask('update_cart', ['email' => $email, 'shipping_address' => $written])) ? $this->step('shipping') : NULL;
  }

  /**
   * How it is shipped. Where there is one way to pay, that is chosen with it.
   */
  private function shipping(): ?Response {
    if (!$this->isDone($this->ask('choose_shipping', ['option' => $this->text('option')]), 'option')) {
      return NULL;
    }
    $ways = $this->checkout->providers();
    $only = count($ways) === 1 ? $this->ask('choose_payment', ['provider' => $ways[0]]) : NULL;
    return $this->step($only && Relay::problem($only) === '' ? 'review' : 'payment');
  }

  private function payment(): ?Response {
    return $this->isDone($this->ask('choose_payment', ['provider' => $this->text('provider')]), 'provider') ? $this->step('review') : NULL;
  }

  /**
   * Orders, for the total that the shopper saw.
   */
  private function complete(): ?Response {
    return $this->isDone($this->ask('complete_cart', ['total_minor' => (int) $this->text('total')])) ? $this->step('done') : NULL;
  }

  // Asking and answering.

  /**
   * Asks for an operation on the shopper's cart.
   */
  private function ask(string $action, array $body, array $more = []): array {
    return $this->relay->ask($action, $this->shopper->token(), $body, $this->shopper->intention([$action, $body, $more]), $more);
  }

  /**
   * Whether it is done; else the page says why.
   *
   * The next intention begins where the answer is final.
   */
  private function isDone(array $answer, string $field = ''): bool {
    $problem = Relay::problem($answer);
    $is_unsure = Relay::isUnsure($problem);
    if (!$is_unsure) {
      $renewed = $answer['body']['token'] ?? NULL;
      $this->shopper->keep($problem === 'unknown-cart' ? '' : (Shopper::isToken($renewed) ? $renewed : $this->shopper->token()));
    }
    if ($problem === '') {
      return TRUE;
    }
    $detail = (string) ($answer['body']['detail'] ?? '');
    $left = (int) ($answer['body']['left'] ?? 0);
    $texts = $problem === 'away' || $detail === '' ? [$this->awayText()] : [$detail, ...($left ? [$this->t('Only @count left.', ['@count' => $left])] : []), ...self::changes($answer)];
    $this->refuse($answer['status'] >= 400 ? $answer['status'] : 503, $texts, [
      'fields' => $field === '' ? [] : [$field => $texts[0]],
      'again' => $is_unsure ? $this->again($this->t('Try again')) : NULL,
    ]);
    return FALSE;
  }

  /**
   * Lets the page say what is wrong.
   */
  private function refuse(int $status, array $texts, array $more = []): ?Response {
    $this->say('alert', $texts, ['status' => $status] + $more);
    return NULL;
  }

  private function say(string $tone, array $texts, array $more = []): void {
    $this->said = ['form' => $this->form(), 'tone' => $tone, 'texts' => $texts] + $more + ['fields' => [], 'again' => NULL, 'status' => 200];
  }

  /**
   * A form with one button that sends the same once more.
   */
  private function again(object $label, string $confirm = ''): array {
    $fields = array_map($this->text(...), array_combine(array_keys($this->request->request->all()), array_keys($this->request->request->all())));
    return ['label' => $label, 'fields' => ['confirm' => $confirm] + $fields, 'action' => $this->request->getPathInfo()];
  }

  /**
   * Back to the page of this form.
   */
  private function stay(): Response {
    return self::to(Url::fromRoute((string) $this->request->attributes->get('_route'))->toString());
  }

  private function step(string $step): Response {
    return self::to(Url::fromRoute('commerce_connector.shop.checkout', [], ['query' => [self::STEP => $step]])->toString());
  }

  private static function to(string $address): Response {
    return new RedirectResponse($address, 303);
  }

  /**
   * Path and query of the page of ours that sent the form; NULL: not known.
   */
  private function cameFrom(): ?string {
    $parts = parse_url((string) $this->request->headers->get('referer', ''));
    $host = strtolower(($parts['host'] ?? '') . (isset($parts['port']) ? ":{$parts['port']}" : ''));
    $path = '/' . ltrim($parts['path'] ?? '/', '/\\');
    if ($host === '' || $host !== strtolower($this->request->getHttpHost()) || $path === $this->request->getRequestUri()) {
      return NULL;
    }
    parse_str($parts['query'] ?? '', $query);
    $query = http_build_query(array_diff_key($query, [self::SAID => 1, self::FORM => 1]));
    return $path . ($query === '' ? '' : "?$query");
  }

  /**
   * What an answer says of changes, for the shopper.
   */
  private static function changes(array $answer): array {
    return array_values(array_filter(array_map('strval', array_column((array) ($answer['body']['changes'] ?? []), 'says'))));
  }

  private function quantityText(): object {
    return $this->t('Please write a quantity from 1 to @most.', ['@most' => self::MOST]);
  }

  // Fields.

  /**
   * A field of the form, as it was written, in one line.
   */
  private function text(string $name): string {
    $text = isset($this->request) ? $this->request->request->all()[$name] ?? '' : '';
    return is_string($text) && mb_check_encoding($text, 'UTF-8') ? trim((string) preg_replace('/[\x00-\x1f\x7f]+/', ' ', $text)) : '';
  }

  /**
   * The quantity; NULL where it is none.
   */
  private function quantity(int $least): ?int {
    $text = $this->text('quantity');
    $said = $text === '' && $least === 1 ? 1 : (preg_match('/^[0-9]{1,4}\z/', $text) ? (int) $text : -1);
    return $said >= $least && $said <= self::MOST ? $said : NULL;
  }

  private function form(): string {
    $form = $this->text('form');
    return preg_match('/^[A-Za-z0-9_-]{1,64}\z/', $form) ? $form : '';
  }

  private function contactFields(): array {
    $names = array_keys($this->checkout->fields());
    $written = array_combine($names, array_map($this->text(...), $names));
    return ['country' => strtoupper($written['country'])] + $written;
  }

}
