<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\user\UserInterface;

/**
 * The user and the role as which signed requests act: little, and no login.
 */
final class Role {

  public const NAME = 'commerce_connector';
  public const STATE = 'commerce_connector.user';
  private const PERMISSIONS = ['access content', 'view media', 'use commerce connector site api', 'create url aliases'];

  private ?UserInterface $user = NULL;

  public function __construct(
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly ConfigFactoryInterface $config,
  ) {}

  /**
   * The user; NULL where somebody deleted it.
   */
  public function user(): ?UserInterface {
    if (!$this->user) {
      $found = $this->entityTypes->getStorage('user')->loadByProperties(['name' => self::NAME]);
      $this->user = $found ? reset($found) : NULL;
    }
    return $this->user;
  }

  /**
   * Makes role and user, or mends them. The user has no password: nobody logs in as it.
   */
  public function make(): void {
    $role = $this->entityTypes->getStorage('user_role')->load(self::NAME)
      ?? $this->entityTypes->getStorage('user_role')->create(['id' => self::NAME, 'label' => 'Commerce Connector']);
    $format = (string) $this->config->get('commerce_connector.settings')->get('text_format');
    $wanted = [...self::PERMISSIONS, "use text format $format"];
    foreach ($wanted as $permission) {
      if ($permission !== "use text format $format" || $this->entityTypes->getStorage('filter_format')->load($format)) {
        $role->grantPermission($permission);
      }
    }
    $role->save();
    $this->user = $this->user() ?? $this->entityTypes->getStorage('user')->create(['name' => self::NAME]);
    if (!$this->user->hasRole(self::NAME) || !$this->user->isActive()) {
      $this->user->addRole(self::NAME)->activate()->save();
    }
  }

  /**
   * Removes user and role.
   */
  public function remove(): void {
    $this->user()?->delete();
    $this->user = NULL;
    $this->entityTypes->getStorage('user_role')->load(self::NAME)?->delete();
  }

}
