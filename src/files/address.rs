//! Addresses of files for providers that fetch by themselves: signed, and over after minutes. A token names a tenant, a file
//! and a time; nobody else makes one.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use uuid::Uuid;

use crate::config::Config;
use crate::vault::Vault;

/// Before the token, in the server's paths.
pub const PATH: &str = "/f/";
const ID: usize = 16;
const TIME: usize = 8;
const SIGNED: usize = 2 * ID + TIME;

pub struct Addresses {
    key: hmac::Key,
    /// Nothing: the server has no address that is public.
    base: Option<String>,
    ttl_ms: i64,
}

impl Addresses {
    pub fn new(config: &Config, vault: &Vault) -> anyhow::Result<Self> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &vault.derive("file addresses")?);
        let url = Url::parse(&config.server.public_url).ok();
        let is_public = url.is_some_and(|url| url.port() != Some(0) && config.outward().judge(&url).is_ok());
        let base = is_public.then(|| config.server.public_url.trim_end_matches('/').to_owned());
        Ok(Self { key, base, ttl_ms: config.files.file_address_ttl_s.saturating_mul(1_000) })
    }

    /// Whether providers can fetch from this server.
    pub fn is_there(&self) -> bool {
        self.base.is_some()
    }

    /// The address of a file until some minutes from now.
    pub fn of(&self, tenant: Uuid, file: Uuid, now_ms: i64) -> Option<String> {
        let base = self.base.as_ref()?;
        Some(format!("{base}{PATH}{}", self.token(tenant, file, now_ms + self.ttl_ms)))
    }

    fn token(&self, tenant: Uuid, file: Uuid, until_ms: i64) -> String {
        let mut token = [tenant.as_bytes().as_slice(), file.as_bytes(), &until_ms.to_be_bytes()].concat();
        let signature = hmac::sign(&self.key, &token);
        token.extend_from_slice(signature.as_ref());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The tenant and the file of a token that is ours and not over.
    pub fn read(&self, token: &str, now_ms: i64) -> Option<(Uuid, Uuid)> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, signature) = bytes.split_at_checked(SIGNED)?;
        hmac::verify(&self.key, signed, signature).ok()?;
        let (tenant, rest) = signed.split_at(ID);
        let (file, until) = rest.split_at(ID);
        let until = i64::from_be_bytes(until.try_into().ok()?);
        (now_ms < until)
            .then(|| Some((Uuid::from_slice(tenant).ok()?, Uuid::from_slice(file).ok()?)))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::MasterKey;

    fn addresses(public_url: &str) -> Addresses {
        let mut config = Config::embedded(std::path::Path::new("/nowhere"));
        config.server.public_url = public_url.to_owned();
        let vault = Vault::new(MasterKey::random().expect("a key"), &[]).expect("a vault");
        Addresses::new(&config, &vault).expect("addresses")
    }

    #[test]
    fn a_token_names_one_file_for_some_minutes() {
        let addresses = addresses("https://hub.example.com");
        let (tenant, file) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let address = addresses.of(tenant, file, 1_000).expect("an address");
        let token = address.strip_prefix("https://hub.example.com/f/").expect("the base").to_owned();
        assert_eq!(addresses.read(&token, 1_000), Some((tenant, file)));
        assert_eq!(addresses.read(&token, 1_000 + addresses.ttl_ms), None);
        for at in [0, 20, 40, 60] {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(addresses.read(&String::from_utf8(other).expect("text"), 1_000), None, "{at}");
        }
        for foul in ["", "AAAA", &token[..60], &format!("{token}AA")] {
            assert_eq!(addresses.read(foul, 1_000), None);
        }
    }

    #[test]
    fn a_server_that_nobody_reaches_has_no_addresses() {
        for private in ["http://127.0.0.1:8080", "http://10.0.0.1", "http://localhost:8080"] {
            assert!(!addresses(private).is_there(), "{private}");
        }
    }
}
