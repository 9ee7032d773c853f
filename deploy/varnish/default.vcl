vcl 4.1;

# Varnish 7 as a full-page cache before a WordPress with the Commerce Connector plugin.
#
# Pages are the same for everybody: prices come with the page, and the elements write what is newer;
# what is personal (cart, checkout, answers to forms) says `private, no-store` and is never kept.
# The relay stands beside this, not behind it.

import std;

backend default {
    .host = "127.0.0.1";
    .port = "8080";
}

# Who may say that a page changed: the machines that WordPress runs on (purge.php).
acl wordpress {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    # An old page is given only where WordPress has just failed to make a new one.
    unset req.http.x-again;
    set req.grace = 0s;
    if (req.restarts > 0) {
        set req.http.x-again = "1";
        set req.grace = 24h;
    }
    if (req.method == "PURGE") {
        if (client.ip !~ wordpress) {
            return (synth(405));
        }
        # Whatever was kept of these paths, with any query: one path, or many by a pattern.
        if (!req.http.x-paths) {
            set req.http.x-paths = "^" + regsub(req.url, "\?.*", "") + "$";
        }
        if (std.ban("obj.http.x-path ~ " + req.http.x-paths)) {
            return (synth(200));
        }
        return (synth(400, std.ban_error()));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # The daemon, editors, previews and feeds of changes are always answered by WordPress itself.
    if (req.url ~ "^/wp-(admin|json|login\.php|cron\.php)" || req.url ~ "[?&](preview|rest_route)=") {
        return (pass);
    }
    if (req.http.Cookie ~ "(wordpress_logged_in_|wordpress_sec_|wp-postpass_|comment_author_)") {
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
    set beresp.http.x-path = regsub(bereq.url, "\?.*", "");
    if (beresp.http.Set-Cookie || beresp.http.Cache-Control ~ "(private|no-store|no-cache)") {
        set beresp.uncacheable = true;
        set beresp.ttl = 2m;
        return (deliver);
    }
    if (beresp.status == 200 || beresp.status == 301 || beresp.status == 404) {
        # A page is taken out when it changes; this is for what nobody told.
        set beresp.ttl = 10m;
        set beresp.grace = 24h;
    }
}

sub vcl_backend_error {
    if (bereq.is_bgfetch || !(bereq.uncacheable || bereq.http.x-again)) {
        return (abandon);
    }
}

sub vcl_synth {
    # While WordPress is away the last page is better than none.
    if (resp.status == 503 && req.restarts == 0 && (req.method == "GET" || req.method == "HEAD")) {
        return (restart);
    }
}

sub vcl_deliver {
    unset resp.http.x-path;
    if (obj.hits > 0) {
        set resp.http.X-Cache = "hit";
    } else {
        set resp.http.X-Cache = "miss";
    }
}
