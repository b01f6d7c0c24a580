"""Find the proxy and the certificates for the one address that a client talks to."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .config import ClientConfig

_VARIABLES = "SSL_CERT_FILE or SSL_CERT_DIR"
_SCHEMES = ("http", "https", "socks5", "socks5h")


def proxy_of(config: ClientConfig) -> str | None:
    """Return the proxy for the configured address: the setting, else the environment's, None for none.

    httpx looks at the environment only while it builds its transports itself, which this package does not let it do.

    Raises:
        ConfigurationError: naming the setting or the variable that cannot be used.

    """
    found = named_proxy(config)
    return None if found is None else _checked(*found)


def named_proxy(config: ClientConfig) -> tuple[str, str] | None:
    """Return the proxy for the configured address as it was given, and the setting or the variable that names it."""
    if config.proxy is not None:
        return config.proxy, "CODEGEN_PROXY" if os.environ.get("CODEGEN_PROXY") == config.proxy else "proxy"
    parts = urlsplit(config.service_url)
    host = parts.hostname or ""
    if _is_loopback(host):
        return None
    proxies = getproxies()
    scheme = parts.scheme if proxies.get(parts.scheme) else "all"
    proxy = proxies.get(scheme)
    if not proxy or _is_excluded(host, proxies.get("no", "")) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    variable = next((name for name in os.environ if name.lower() == f"{scheme}_proxy"), f"{scheme.upper()}_PROXY")
    return proxy if "://" in proxy else f"http://{proxy}", variable


def _checked(proxy: str, name: str) -> str:
    try:
        parts = urlsplit(proxy)
        _ = parts.port
        fits = parts.scheme in _SCHEMES and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits:
        problem = f"{name} must be a proxy's address, such as http://host:3128"
        raise ConfigurationError(problem, config_key=name)
    if parts.scheme.startswith("socks") and not _has_socksio():
        problem = f"{name} names a SOCKS proxy, which needs another package: pip install 'httpx[socks]'"
        raise ConfigurationError(problem, config_key=name)
    return proxy


def _has_socksio() -> bool:
    from importlib.util import find_spec

    return find_spec("socksio") is not None


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine, which a proxy elsewhere could not reach."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excluded(host: str, excluded: str) -> bool:
    """Whether NO_PROXY has this host: as a network in CIDR notation, or below `*.` a domain, as for curl."""
    for entry in excluded.split(","):
        name = entry.strip().lower()
        if name.startswith("*.") and host.endswith(name[1:]):
            return True
        try:
            if ip_address(host) in ip_network(name.strip("[]"), strict=False):
                return True
        except ValueError:
            continue
    return False


def tls_of(config: ClientConfig, proxy: str | None) -> ssl.SSLContext | None:
    """Return the one TLS context for all connections, None where the address needs none.

    Raises:
        ConfigurationError: when certificates cannot be read, naming the setting or the variable.

    """
    name, verify = "verify", config.verify
    if not isinstance(verify, bool | str | ssl.SSLContext):
        problem = "verify must be true, false, the path of a file or folder as a string, or an ssl.SSLContext"
        raise ConfigurationError(problem, config_key=name)
    if not config.service_url.startswith("https:") and not (proxy or "").startswith("https:"):
        return None
    if verify is True and config.cert is None:
        return default_tls()
    try:
        if isinstance(verify, str):
            at = "capath" if os.path.isdir(verify) else "cafile"
            context = ssl.create_default_context(**{at: verify})  # type: ignore[arg-type]
        else:
            import httpx

            name = "verify" if verify is not True else _VARIABLES
            context = httpx.create_ssl_context(verify)
        if config.cert is not None:
            name = "cert"
            context.load_cert_chain(*([config.cert] if isinstance(config.cert, str) else config.cert))
    except (OSError, TypeError) as error:
        raise _unreadable(name, error) from None
    return context


def default_tls() -> ssl.SSLContext:
    """Return the TLS context of httpx's default, the same for all clients: reading the certificates takes 30 ms.

    Raises:
        ConfigurationError: when they cannot be read, naming the variables that say where they are.

    """
    try:
        return _default_tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    except OSError as error:
        raise _unreadable(_VARIABLES, error) from None


@lru_cache(maxsize=1)
def _default_tls(*_: str | None) -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def _unreadable(name: str, error: Exception) -> ConfigurationError:
    problem = f"{name}: the certificates cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}"
    return ConfigurationError(problem, config_key=name)
