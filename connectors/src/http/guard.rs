//! Which addresses may be called.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// The hosts that may be called though their addresses are not public, as the operator lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    hosts: BTreeSet<String>,
}

/// Why an address may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither `http` nor `https`, or a name and password in it.
    #[error("only http:// and https:// addresses without a name or password in them may be called")]
    Form,
    /// Not public, and not allowed by the operator.
    #[error(
        "{host} is not a public address ({address}); to allow it, list the host in [http] allow_private"
    )]
    Private {
        /// The host, as it was asked for.
        host: String,
        /// What it resolved to.
        address: IpAddr,
    },
    /// A redirect from `https` to `http`.
    #[error("it leaves the encryption (https) for {host}; set the final address")]
    Downgrade {
        /// The host it leads to.
        host: String,
    },
    /// A redirect to a host that only settings may name.
    #[error(
        "{host} is on the list of [http] allow_private, for settings to name and not for redirects"
    )]
    Listed {
        /// The host it leads to.
        host: String,
    },
    /// The name has no address.
    #[error("{host} has no address")]
    Unknown {
        /// The name.
        host: String,
    },
}

impl Allowed {
    /// Returns the list of `hosts`, names or addresses, without ports.
    pub fn new(hosts: impl IntoIterator<Item = String>) -> Self {
        Self { hosts: hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect() }
    }

    /// Says whether `url` may be called, as far as its text tells.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !is_plain {
            return Err(Refusal::Form);
        }
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(url.host_str(), address.into()),
            Some(Host::Ipv6(address)) => self.check(Some(&address.to_string()), address.into()),
            Some(Host::Domain(name)) if is_local_name(name) && !self.lists(name) => {
                let (host, address) = (name.to_owned(), Ipv4Addr::LOCALHOST.into());
                Err(Refusal::Private { host, address })
            }
            Some(Host::Domain(_)) => Ok(()),
            None => Err(Refusal::Form),
        }
    }

    /// Says whether a redirect from `from` to `to` may be followed, as far as their texts tell.
    ///
    /// The operator's list is for what settings name. What a server names may be private only where it
    /// is that server itself; else it could have us ask its neighbours.
    pub(super) fn check_redirect(&self, from: &Url, to: &Url) -> Result<(), Refusal> {
        self.check_url(to)?;
        let host = to.host_str().unwrap_or_default().to_owned();
        if from.scheme() == "https" && to.scheme() == "http" {
            return Err(Refusal::Downgrade { host });
        }
        // Without a port in both, `http` may become `https`.
        let is_same = from.host() == to.host() && from.port() == to.port();
        if !is_same && self.lists(&host) {
            return Err(Refusal::Listed { host });
        }
        Ok(())
    }

    /// Returns those of the addresses `found` for `host` that may be called; all of a listed host.
    pub(super) fn keep(
        &self,
        host: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let found: Vec<_> = found.collect();
        if self.lists(host) {
            return Ok(found);
        }
        let kept: Vec<_> = found.iter().copied().filter(|at| is_public(at.ip())).collect();
        match (kept.is_empty(), found.first()) {
            (false, _) => Ok(kept),
            (true, Some(at)) => Err(Refusal::Private { host: host.to_owned(), address: at.ip() }),
            (true, None) => Err(Refusal::Unknown { host: host.to_owned() }),
        }
    }

    fn check(&self, host: Option<&str>, address: IpAddr) -> Result<(), Refusal> {
        let host = host.unwrap_or_default();
        if is_public(address) || self.lists(host) {
            return Ok(());
        }
        Err(Refusal::Private { host: host.to_owned(), address })
    }

    /// Tells whether the operator lists `host`.
    pub(super) fn lists(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        self.hosts.contains(&host)
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// Tells whether `address` is one of the public internet: not loopback, private, link-local, shared,
/// multicast, reserved or for documentation, also where it is written within an IPv6 address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // Shared behind a provider's translation, RFC 6598; protocol assignments, RFC 6890;
        // benchmarks, RFC 2544; the former 6to4 relays, RFC 7526.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 88 && c == 99);
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let within = |high: u16, low: u16| {
        let [high, low] = [u32::from(high), u32::from(low)];
        is_public_v4(Ipv4Addr::from_bits(high << 16 | low))
    };
    match address.segments() {
        // Mapped (::ffff:0:0/96), compatible (::/96), translated (64:ff9b::/96, RFC 6052).
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4, RFC 3056.
        | [0x2002, high, low, ..] => within(high, low),
        // Teredo (RFC 4380), which hides an address; documentation (RFC 3849).
        [0x2001, 0 | 0xdb8, ..] => false,
        // Only global unicast, 2000::/3, is public.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        let cases = [
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("192.0.2.1", false),
            ("2606:4700:4700::1111", true),
            ("::1", false),
            ("::", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:8.8.8.8", true),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
            ("2001:0:1::", false),
            ("fc00::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
        ];
        for (address, expected) in cases {
            assert_eq!(is_public(address.parse().unwrap()), expected, "case: {address}");
        }
    }

    #[test]
    fn an_address_is_refused_for_its_form_its_host_or_what_it_resolves_to() {
        let allowed = Allowed::new(["127.0.0.1".to_owned(), "ERP.internal".to_owned()]);
        let cases = [
            ("https://example.com/x", true),
            ("http://127.0.0.1:8069/", true),
            ("http://2130706433/", true),
            ("http://127.0.0.2/", false),
            ("http://[::1]/", false),
            ("http://[::ffff:169.254.169.254]/", false),
            ("http://0x7f.2/", false),
            ("http://localhost/", false),
            ("http://a.localhost./", false),
            ("http://erp.internal/", true),
            ("https://user@example.com/", false),
            ("file:///etc/passwd", false),
            ("ftp://example.com/", false),
        ];
        for (url, expected) in cases {
            let checked = allowed.check_url(&Url::parse(url).unwrap());
            assert_eq!(checked.is_ok(), expected, "case: {url}");
        }

        let cases = [
            ("https://a.example/x", "https://b.example/y", true),
            ("http://a.example/x", "https://a.example/x", true),
            ("https://a.example/x", "http://a.example/x", false),
            ("https://a.example/x", "https://user@a.example/x", false),
            ("https://a.example/x", "file:///etc/passwd", false),
            ("https://a.example/x", "http://[::ffff:10.0.0.1]/", false),
            ("https://a.example/x", "https://erp.internal/", false),
            ("http://erp.internal/x", "https://ERP.internal/y", true),
            ("http://erp.internal:8069/x", "http://erp.internal:8069/y", true),
            ("http://erp.internal:8069/x", "http://erp.internal:8080/y", false),
            ("http://127.0.0.1:8069/x", "http://2130706433:22/", false),
        ];
        for (from, to, expected) in cases {
            let [from, to] = [from, to].map(|text| Url::parse(text).unwrap());
            let checked = allowed.check_redirect(&from, &to);
            assert_eq!(checked.is_ok(), expected, "case: {from} to {to}");
        }

        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let found = [at("10.0.0.1:0"), at("8.8.8.8:0")];
        let keep = |host| allowed.keep(host, found.into_iter());
        assert_eq!(keep("example.com"), Ok(vec![at("8.8.8.8:0")]), "the private one is left out");
        assert_eq!(keep("erp.internal"), Ok(found.to_vec()), "the operator listed it");
        let private = allowed.keep("rebound.example", [at("127.0.0.1:0")].into_iter());
        assert!(matches!(private, Err(Refusal::Private { .. })));
        let none = allowed.keep("nowhere.example", std::iter::empty());
        assert!(matches!(none, Err(Refusal::Unknown { .. })));
    }
}
