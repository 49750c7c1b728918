"""The texts of `kelly webhook service`: systemd units, and the blocks of nginx and caddy for TLS.

Plain text from plain values: nothing is read, nothing is installed.
"""

from __future__ import annotations

from typing import NamedTuple

STOP_S = 15
"""systemd waits longer for the end than the listener takes (10 s)."""


class Place(NamedTuple):
    """What differs from one installation to the next."""

    name: str
    """Of the units, the folders and the socket."""
    command: str
    """How kelly is started, as a unit writes it."""
    user: str | None
    """None = systemd makes one for each run."""
    host: str
    """By which M-Pesa reaches it."""
    max_body_bytes: int

    @property
    def socket(self) -> str:
        """The socket that systemd opens and the proxy speaks to."""
        return f"/run/{self.name}/{self.name}.sock"


def files(place: Place) -> dict[str, str]:
    """Return every file by where it belongs."""
    return {
        f"/etc/systemd/system/{place.name}.service": service(place),
        f"/etc/systemd/system/{place.name}.socket": socket(place),
        f"/etc/nginx/conf.d/{place.name}.conf": nginx(place),
        "/etc/caddy/Caddyfile": caddy(place),
    }


_SHUT_OFF = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
"""


def service(place: Place) -> str:
    """Return the unit of the listener, with nothing that it does not need."""
    who = "DynamicUser=yes" if place.user is None else f"User={place.user}"
    return f"""\
# Settings and secrets, for root's eyes alone (chmod 600 /etc/{place.name}/env):
#   KELLY_MPESA_ENVIRONMENT=production
#   KELLY_MPESA_SHORT_CODE=...
#   KELLY_WEBHOOK_TOKEN=...
# Then: systemctl enable --now {place.name}.socket {place.name}.service

[Unit]
Description=kelly takes M-Pesa callbacks
Requires={place.name}.socket
After=network.target {place.name}.socket

[Service]
Type=exec
ExecStart={place.command} webhook serve --fd 3 --json
Environment=KELLY_DATABASE_URL=sqlite:////var/lib/{place.name}/kelly.db
# Everybody speaks through the proxy and this socket: the proxy's word for the sender counts.
Environment=KELLY_WEBHOOK_TRUSTED_PROXIES=127.0.0.1
EnvironmentFile=-/etc/{place.name}/env
Restart=on-failure
RestartSec=1
TimeoutStopSec={STOP_S}
LimitNOFILE=8192

{who}
StateDirectory={place.name}
StateDirectoryMode=0700
WorkingDirectory=/var/lib/{place.name}
UMask=0077
{_SHUT_OFF}
[Install]
WantedBy=multi-user.target
"""


def socket(place: Place) -> str:
    """Return the unit of the socket: it waits, with all who knock, while the listener restarts."""
    return f"""\
[Unit]
Description=Where kelly takes M-Pesa callbacks

[Socket]
ListenStream={place.socket}
SocketMode=0660
# The group that nginx or caddy runs as.
SocketGroup=www-data
Backlog=2048

[Install]
WantedBy=sockets.target
"""


def nginx(place: Place) -> str:
    """Return the server block: TLS, the sender's real address, and the listener's own limits."""
    return f"""\
server {{
    listen 443 ssl;
    server_name {place.host};
    ssl_certificate /etc/letsencrypt/live/{place.host}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/{place.host}/privkey.pem;
    ssl_protocols TLSv1.2 TLSv1.3;

    # The path may hold the token.
    access_log off;
    client_max_body_size {place.max_body_bytes};
    client_header_timeout 10s;
    client_body_timeout 10s;
    keepalive_timeout 15s;

    location = /metrics {{
        return 404;
    }}
    location / {{
        proxy_pass http://unix:{place.socket};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        # Overwritten, never added to: what the sender says of himself counts for nothing.
        proxy_set_header X-Forwarded-For $remote_addr;
        # A whole request or none, and never a second time.
        proxy_request_buffering on;
        proxy_next_upstream off;
        proxy_connect_timeout 2s;
        proxy_read_timeout 10s;
    }}
}}
"""


def caddy(place: Place) -> str:
    """Return the site block; caddy gets the certificate itself."""
    return f"""\
{{
    servers {{
        timeouts {{
            read_header 10s
            read_body 10s
            idle 15s
        }}
    }}
}}

{place.host} {{
    respond /metrics 404
    request_body {{
        max_size {place.max_body_bytes}
    }}
    reverse_proxy unix/{place.socket} {{
        # Overwritten, never added to.
        header_up X-Forwarded-For {{remote_host}}
        transport http {{
            dial_timeout 2s
            response_header_timeout 10s
        }}
    }}
}}
"""
