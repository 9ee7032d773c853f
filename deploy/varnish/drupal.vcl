vcl 4.1;

# Varnish 7 as a full-page cache before a Drupal with the Commerce Connector module.
#
# How long a page is kept is what Drupal says: with prices in it, as long as the module's setting lets
# browsers and proxies, a minute; else the site's own. Pages are the same for everybody; what is
# personal (cart, checkout, answers to forms) says `private, no-store` and is never kept.
# The relay stands beside this, not behind it.

import std;

backend default {
    .host = "127.0.0.1";
    .port = "8080";
}

sub vcl_recv {
    # An old page is given only where Drupal has just failed to make a new one.
    unset req.http.x-again;
    set req.grace = 0s;
    if (req.restarts > 0) {
        set req.http.x-again = "1";
        set req.grace = 24h;
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # The daemon and clients of JSON:API are always answered by Drupal itself, and so is who logged in.
    if (req.http.Authorization || req.http.webhook-signature || req.url ~ "^/(commerce-connector|jsonapi)/") {
        return (pass);
    }
    if (req.http.Cookie ~ "(^|; *)S?SESS[0-9a-f]+=") {
        return (pass);
    }
    # Campaign marks make the same page many.
    set req.url = regsuball(req.url, "(?<=[?&])(utm_[a-z]+|gclid|fbclid|msclkid)=[^&]*&?", "");
    set req.url = regsub(req.url, "[?&]$", "");
    set req.url = std.querysort(req.url);
    # Only the shopper's own cookies go on; no page that is kept is made from them.
    set req.http.Cookie = ";" + req.http.Cookie;
    set req.http.Cookie = regsuball(req.http.Cookie, "; +", ";");
    set req.http.Cookie = regsuball(req.http.Cookie, ";(commerce_(connector_[a-z]+|cart))=", "; \1=");
    set req.http.Cookie = regsuball(req.http.Cookie, ";[^ ][^;]*", "");
    set req.http.Cookie = regsub(req.http.Cookie, "^[; ]+", "");
    if (req.http.Cookie == "") {
        unset req.http.Cookie;
    }
    return (hash);
}

sub vcl_backend_response {
    if (beresp.status >= 500 && (bereq.is_bgfetch || !(bereq.uncacheable || bereq.http.x-again))) {
        return (abandon);
    }
    if (beresp.http.Set-Cookie || beresp.http.Cache-Control ~ "(private|no-store|no-cache)") {
        set beresp.uncacheable = true;
        set beresp.ttl = 2m;
        return (deliver);
    }
    # Drupal says so of every page, for sessions' sake; those went through above.
    set beresp.http.Vary = regsub(beresp.http.Vary, "(?i)^cookie(, *)?|, *cookie", "");
    if (beresp.http.Vary == "") {
        unset beresp.http.Vary;
    }
    set beresp.grace = 24h;
}

sub vcl_backend_error {
    if (bereq.is_bgfetch || !(bereq.uncacheable || bereq.http.x-again)) {
        return (abandon);
    }
}

sub vcl_synth {
    # While Drupal is away the last page is better than none.
    if (resp.status == 503 && req.restarts == 0 && (req.method == "GET" || req.method == "HEAD")) {
        return (restart);
    }
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache = "hit";
    } else {
        set resp.http.X-Cache = "miss";
    }
}
