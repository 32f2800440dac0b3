//! Encrypts the credentials of generated channels as the server does. A server that cannot decrypt them can neither
//! send on these channels nor hand their overdue turns to people.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use uuid::Uuid;

const KEY_BYTES: usize = 32;

pub(crate) struct Seal {
    id: String,
    key: LessSafeKey,
}

impl Seal {
    /// From the installation's key file: the master key in base64.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::new(&STANDARD.decode(text.trim()).with_context(|| format!("{} is not base64", file.display()))?)
    }

    fn new(master: &[u8]) -> Result<Self> {
        ensure!(master.len() == KEY_BYTES, "a master key has {KEY_BYTES} bytes, not {}", master.len());
        let id = hex::encode(&derive(master, "hubbub key id v1")?[..4]);
        let key = UnboundKey::new(&AES_256_GCM, &derive(master, "hubbub vault v1")?)?;
        Ok(Self { id, key: LessSafeKey::new(key) })
    }

    /// An invalid bot token, bound to the channel.
    pub(crate) fn credentials(&self, channel: Uuid, number: usize) -> Result<String> {
        let token = format!("{}:grown", number + 1);
        let mut body =
            json!({"credentials": {"token": token}, "hook_secret": token}).to_string().into_bytes();
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce)?;
        let owner = format!("channel:{channel}");
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(unique, Aad::from(owner.as_bytes()), &mut body)?;
        Ok(format!("hv1.{}.{}", self.id, URL_SAFE_NO_PAD.encode([&nonce[..], &body].concat())))
    }
}

fn derive(master: &[u8], label: &str) -> Result<[u8; KEY_BYTES]> {
    let mut out = [0; KEY_BYTES];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"hubbub")
        .extract(master)
        .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|made| made.fill(&mut out))
        .map_err(|_| anyhow!("no key can be derived for {label}"))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_bound_to_their_channel() {
        let seal = Seal::new(&[7; KEY_BYTES]).unwrap();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = seal.credentials(one, 0).unwrap();
        let body = URL_SAFE_NO_PAD.decode(sealed.rsplit('.').next().unwrap()).unwrap();
        let open = |channel: Uuid| {
            let mut bytes = body.clone();
            let (nonce, body) = bytes.split_at_mut(NONCE_LEN);
            let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
            let owner = format!("channel:{channel}");
            seal.key.open_in_place(nonce, Aad::from(owner.as_bytes()), body).map(|plain| plain.to_vec()).ok()
        };
        let plain = String::from_utf8(open(one).unwrap()).unwrap();
        assert!(plain.contains("1:grown") && open(other).is_none());
        assert!(Seal::new(&[7; 5]).is_err());
    }
}
