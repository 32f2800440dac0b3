//! Seals secrets before they are stored, and derives the other keys of the installation from the one master key. It
//! never logs a key or a secret.
//!
//! A sealed text is `hv1.<key id>.<base64url of nonce, ciphertext and tag>` (AES-256-GCM). The additional data names
//! the owner of the secret (`channel:<id>`), so that a value copied to another row does not open.

mod bus;
pub mod key_file;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

pub use self::bus::BusSeal;

const VERSION: &str = "hv1";
pub const KEY_BYTES: usize = 32;

/// The 32 bytes from which every key of the installation is derived.
#[derive(Clone)]
pub struct MasterKey([u8; KEY_BYTES]);

impl MasterKey {
    /// From base64, as written in the configuration or in the key file.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| anyhow::anyhow!("is not base64"))?;
        let length = bytes.len();
        let bytes =
            bytes.try_into().map_err(|_| anyhow::anyhow!("holds {length} bytes, {KEY_BYTES} are needed"))?;
        Ok(Self(bytes))
    }

    pub fn random() -> anyhow::Result<Self> {
        Ok(Self(random()?))
    }

    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Bytes from the system's random generator.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(bytes)
}

/// A new secret: a prefix that names its kind, and 32 random bytes in base64url.
pub fn random_token(prefix: &str) -> anyhow::Result<String> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// The stored digest of a token: enough to find the token, not to use it. Tokens are random, so no salt is needed.
pub fn token_digest(token: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, token.as_bytes()))
}

struct Key {
    id: String,
    seal: LessSafeKey,
}

pub struct Vault {
    master: MasterKey,
    key: Key,
    /// Keys from earlier master keys: they open secrets, and seal none.
    old: Vec<Key>,
    old_masters: Vec<MasterKey>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("key", &self.key.id).finish_non_exhaustive()
    }
}

impl Vault {
    pub fn new(master: MasterKey, old: &[MasterKey]) -> anyhow::Result<Self> {
        let key = key(&master)?;
        let old_masters = old.to_vec();
        let old = old.iter().map(self::key).collect::<anyhow::Result<_>>()?;
        Ok(Self { master, key, old, old_masters })
    }

    /// The names of the master keys, which stand in clear before all that is sealed with them: first that of the one which
    /// seals, then those that only open.
    pub fn key_ids(&self) -> Vec<String> {
        std::iter::once(&self.key).chain(&self.old).map(|key| key.id.clone()).collect()
    }

    /// Whether a text was sealed with a key that is known here.
    pub fn may_open(&self, sealed: &str) -> bool {
        let key_id = sealed.split('.').nth(1);
        key_id.is_some_and(|key_id| std::iter::once(&self.key).chain(&self.old).any(|key| key.id == key_id))
    }

    /// For what the nodes of the installation tell each other.
    pub fn bus_seal(&self) -> anyhow::Result<BusSeal> {
        BusSeal::new(self, &self.old_masters)
    }

    /// Derives a key for another purpose, such as signing tokens. The label is the purpose; keys of different labels
    /// are independent.
    pub fn derive(&self, label: &str) -> anyhow::Result<[u8; KEY_BYTES]> {
        derive(&self.master, label)
    }

    /// Seals bytes for the owner `aad`.
    pub fn seal(&self, aad: &str, plain: &[u8]) -> anyhow::Result<String> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut body = plain.to_vec();
        self.key
            .seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad.as_bytes()),
                &mut body,
            )
            .map_err(|_| anyhow::anyhow!("the secret of {aad} cannot be sealed"))?;
        let sealed = URL_SAFE_NO_PAD.encode([&nonce[..], &body].concat());
        Ok(format!("{VERSION}.{}.{sealed}", self.key.id))
    }

    /// Opens bytes that were sealed for the owner `aad`.
    pub fn open(&self, aad: &str, sealed: &str) -> anyhow::Result<Vec<u8>> {
        let mut parts = sealed.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            anyhow::bail!("the secret of {aad} is not a sealed text");
        };
        let key = std::iter::once(&self.key).chain(&self.old).find(|key| key.id == id).ok_or_else(|| {
            anyhow::anyhow!(
                "the secret of {aad} was sealed with the master key {id}, which this server does not have"
            )
        })?;
        let damaged = || anyhow::anyhow!("the secret of {aad} is damaged, or belongs to something else");
        let mut bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| damaged())?;
        let (nonce, body) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let plain = key.seal.open_in_place(nonce, Aad::from(aad.as_bytes()), body).map_err(|_| damaged())?;
        Ok(plain.to_vec())
    }
}

fn key(master: &MasterKey) -> anyhow::Result<Key> {
    let id = id_of(master)?;
    let bytes = derive(master, "hubbub vault v1")?;
    let seal =
        UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| anyhow::anyhow!("the vault's key is refused"))?;
    Ok(Key { id, seal: LessSafeKey::new(seal) })
}

fn id_of(master: &MasterKey) -> anyhow::Result<String> {
    Ok(hex::encode(&derive(master, "hubbub key id v1")?[..4]))
}

fn derive(master: &MasterKey, label: &str) -> anyhow::Result<[u8; KEY_BYTES]> {
    let mut out = [0; KEY_BYTES];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"hubbub")
        .extract(&master.0)
        .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_| anyhow::anyhow!("no key can be derived for {label}"))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(byte: u8, old: &[u8]) -> Vault {
        let key = |byte| MasterKey([byte; KEY_BYTES]);
        Vault::new(key(byte), &old.iter().map(|byte| key(*byte)).collect::<Vec<_>>()).expect("a vault")
    }

    #[test]
    fn opens_what_it_sealed_and_only_where_it_belongs() {
        let vault = vault(1, &[]);
        let sealed = vault.seal("channel:1", b"a bot's token").expect("sealed");
        assert!(!sealed.contains("token"));
        assert_eq!(vault.open("channel:1", &sealed).expect("opened"), b"a bot's token");
        assert!(vault.open("channel:2", &sealed).is_err(), "moved to another row");
        assert_ne!(
            sealed,
            vault.seal("channel:1", b"a bot's token").expect("again"),
            "a new nonce each time"
        );
    }

    #[test]
    fn refuses_what_was_touched() {
        let vault = vault(1, &[]);
        let sealed = vault.seal("channel:1", b"secret").expect("sealed");
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(bytes).expect("ascii");
            assert!(vault.open("channel:1", &text).is_err(), "byte {at}");
        }
        for cut in 0..sealed.len() {
            assert!(vault.open("channel:1", &sealed[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn an_old_master_key_still_opens() {
        let sealed = vault(1, &[]).seal("channel:1", b"secret").expect("sealed");
        assert_eq!(vault(2, &[1]).open("channel:1", &sealed).expect("opened"), b"secret");
        let error = vault(2, &[]).open("channel:1", &sealed).expect_err("without the old key").to_string();
        assert!(error.contains("master key"), "{error}");
    }

    #[test]
    fn labels_give_other_keys() {
        let vault = vault(1, &[]);
        assert_ne!(vault.derive("a").expect("a"), vault.derive("b").expect("b"));
        assert!(!format!("{vault:?} {:?}", vault.master).contains('1'.to_string().repeat(4).as_str()));
    }

    #[test]
    fn a_master_key_is_32_bytes() {
        let key = MasterKey::random().expect("random");
        assert_eq!(MasterKey::parse(&key.to_base64()).expect("round trip").0, key.0);
        assert!(MasterKey::parse("c2hvcnQ=").expect_err("short").to_string().contains("5 bytes"));
        assert!(MasterKey::parse("***").is_err());
    }
}
