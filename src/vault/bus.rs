//! Seals what nodes tell each other over a bus: whoever reads Redis sees neither messages nor tokens, and what they publish
//! there is not taken.
//!
//! A sealed message is the key's id (4 bytes), a random nonce, ciphertext and tag (AES-256-GCM-SIV: with as many messages as
//! a bus carries in years, two nonces may be the same, which shows no more than whether the messages are). The additional
//! data is the channel.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{MasterKey, Vault, derive, random};

const ID_BYTES: usize = 4;

struct Key {
    id: [u8; ID_BYTES],
    seal: LessSafeKey,
}

/// The keys are derived from the master keys, and from nothing else.
pub struct BusSeal {
    key: Key,
    /// Of nodes that have yet to get the newest master key.
    old: Vec<Key>,
}

impl BusSeal {
    pub(super) fn new(vault: &Vault, old: &[MasterKey]) -> anyhow::Result<Self> {
        let old = old.iter().map(key).collect::<anyhow::Result<_>>()?;
        Ok(Self { key: key(&vault.master)?, old })
    }
}

fn key(master: &MasterKey) -> anyhow::Result<Key> {
    let named = derive(master, "hubbub bus key id v1")?;
    let mut id = [0; ID_BYTES];
    id.copy_from_slice(&named[..ID_BYTES]);
    let bytes = derive(master, "hubbub bus v1")?;
    let seal =
        UnboundKey::new(&AES_256_GCM_SIV, &bytes).map_err(|_| anyhow::anyhow!("the bus's key is refused"))?;
    Ok(Key { id, seal: LessSafeKey::new(seal) })
}

impl hub::Seal for BusSeal {
    fn seal(&self, channel: &str, mut plain: Vec<u8>) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random().ok()?;
        let sealing = Nonce::assume_unique_for_key(nonce);
        let tag =
            self.key.seal.seal_in_place_separate_tag(sealing, Aad::from(channel.as_bytes()), &mut plain);
        Some([&self.key.id[..], &nonce, &plain, tag.ok()?.as_ref()].concat())
    }

    fn open(&self, channel: &str, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let (id, rest) = sealed.split_at_mut_checked(ID_BYTES)?;
        let (nonce, body) = rest.split_at_mut_checked(NONCE_LEN)?;
        let key = std::iter::once(&self.key).chain(&self.old).find(|key| key.id == *id)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = key.seal.open_in_place(nonce, Aad::from(channel.as_bytes()), body).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use hub::Seal as _;

    use super::*;

    fn seal(keys: &[u8]) -> BusSeal {
        let [master, old @ ..] = keys else { panic!("a key") };
        let old: Vec<_> = old.iter().map(|byte| MasterKey([*byte; 32])).collect();
        Vault::new(MasterKey([*master; 32]), &old).and_then(|vault| vault.bus_seal()).expect("keys")
    }

    #[test]
    fn what_one_node_seals_opens_at_the_others_and_nowhere_else() {
        let (here, there) = (seal(&[1]), seal(&[1]));
        let sealed = here.seal("hub:tenant:7", b"a customer's words".to_vec()).expect("sealed");
        assert!(!sealed.windows(8).any(|part| part == b"customer"));
        assert_eq!(there.open("hub:tenant:7", sealed.clone()).expect("opened"), b"a customer's words");
        assert_eq!(there.open("hub:tenant:8", sealed.clone()), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(there.open("hub:tenant:7", changed), None);
            assert_eq!(there.open("hub:tenant:7", sealed[..at].to_vec()), None);
        }
        assert_ne!(here.seal("c", b"x".to_vec()), here.seal("c", b"x".to_vec()));
    }

    #[test]
    fn a_node_with_the_next_key_hears_those_that_have_yet_to_get_it() {
        let (before, after, other) = (seal(&[1]), seal(&[2, 1]), seal(&[3]));
        let sealed = before.seal("c", b"x".to_vec()).expect("sealed");
        assert_eq!(after.open("c", sealed.clone()).expect("opened"), b"x");
        assert_eq!(other.open("c", sealed), None);
    }
}
