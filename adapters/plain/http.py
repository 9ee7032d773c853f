"""One user's connection to one site's core: transport failures and statuses as errors.py has them.

Follows no redirect, keeps no cookie. Knows no core: what else a status means says who asks.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy

import requests

from connector.errors import TargetDown, TryAgain
from connector.net.timely import TimelyAdapter, retry_after_seconds
from connector.ports import Clock, SiteSettings


class Connection:
    """Sends with the credential `user:password`; notes how far the site's clock is off."""

    def __init__(self, settings: SiteSettings, clock: Clock) -> None:
        self.home = settings.url.rstrip("/")
        self.skew_seconds = 0.0
        self._timeout = (10.0, settings.timeout_seconds)
        self._clock = clock
        self._session = requests.Session()
        self._session.mount("http://", TimelyAdapter())
        self._session.mount("https://", TimelyAdapter())
        user, _, password = (settings.credential or "").partition(":")
        self._session.auth = requests.auth.HTTPBasicAuth(user.encode(), password.encode())
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.trust_env = False

    def send(self, method: str, url: str, **more: object) -> requests.Response:
        """The answer, whatever its status. Raises TargetDown or TryAgain where there is none."""
        try:
            response = self._session.request(
                method,
                url,
                timeout=self._timeout,
                allow_redirects=False,
                **more,  # type: ignore[arg-type]
            )
        except requests.exceptions.SSLError as error:
            raise TargetDown(f"{self.home}: the certificate is not trusted; renew it") from error
        except requests.exceptions.ConnectTimeout as error:
            raise TryAgain(f"{self.home} takes no connections in time") from error
        except requests.exceptions.Timeout as error:
            raise TryAgain(f"{self.home} did not answer in time; it may have done it") from error
        except requests.exceptions.ConnectionError as error:
            raise TargetDown(f"{self.home} cannot be reached; check that it runs") from error
        except requests.exceptions.RequestException as error:
            raise TryAgain(f"{self.home} broke off ({type(error).__name__})") from error
        self._note_skew(response)
        return response

    def raise_for_site(self, response: requests.Response) -> None:
        """Raise for what says nothing of the request: elsewhere, too fast, away, broken."""
        status = response.status_code
        wait = retry_after_seconds(response.headers, self._clock.now())
        if 300 <= status < 400:
            where = response.headers.get("location", "another address")
            raise TargetDown(f"{self.home} redirects to {where}; set the site's url to that")
        if status == 429:
            raise TryAgain(f"{self.home} asks us to slow down (429)", retry_after_seconds=wait)
        if status == 503:
            raise TargetDown(f"{self.home} is in maintenance (503)", retry_after_seconds=wait)
        if status >= 500:
            raise TryAgain(f"{self.home} failed ({status})", retry_after_seconds=wait)

    def close(self) -> None:
        self._session.close()

    def _note_skew(self, response: requests.Response) -> None:
        try:
            theirs = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
        self.skew_seconds = (theirs - self._clock.now()).total_seconds()
