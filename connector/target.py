"""One site and the backend it shows, opened and ready: what every delivery works with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.model import BackendName, SiteName
from connector.pacer import Pacer
from connector.ports import Catalogue, Site, SiteCapabilities, TakingWords
from connector.sync.owners import Owner
from connector.sync.rules import RetirePolicy, SiteRules, never
from connector.sync.words import alike_to


@dataclass(frozen=True, slots=True)
class Target:
    name: SiteName
    backend: BackendName
    site: Site
    catalogue: Catalogue
    rules: SiteRules
    capabilities: SiteCapabilities
    pacer: Pacer

    @classmethod
    def opened(
        cls,
        name: SiteName,
        backend: BackendName,
        site: Site,
        catalogue: Catalogue,
        rules: SiteRules,
        capabilities: SiteCapabilities,
        pacer: Pacer,
    ) -> Target:
        """The target, its rules narrowed to what site and backend can do."""
        goes_back = capabilities.merges and isinstance(catalogue, TakingWords)
        owners = {
            name: Owner.MERGE if owner is Owner.TWO_WAY and not goes_back else owner
            for name, owner in rules.owners.items()
        }
        narrowed = replace(
            rules,
            owners=owners,
            alike=alike_to(catalogue.as_compared) if isinstance(catalogue, TakingWords) else never,
            multilingual=capabilities.multilingual,
            media=rules.media and capabilities.media,
            merges=capabilities.merges,
            retire=(
                rules.retire
                if rules.retire in capabilities.retire_policies
                else RetirePolicy.UNPUBLISH
            ),
        )
        return cls(name, backend, site, catalogue, narrowed, capabilities, pacer)
