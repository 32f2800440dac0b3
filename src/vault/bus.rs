//! Seals what nodes tell each other over a bus: whoever reads Redis sees neither messages nor tokens, and what they publish
//! there is not taken, be it made up or heard before.
//!
//! A sealed message is the key's name (4 bytes), a random nonce, ciphertext and tag (AES-256-GCM-SIV: with as many messages
//! as a bus carries in years, two nonces may be the same, which shows no more than whether the messages are). The additional
//! data is the channel. Inside, the process and the number of the message stand before it.

mod seen;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use self::seen::Seen;
use super::{MasterKey, Vault, derive, random};

const NAME_BYTES: usize = 4;

struct Key {
    /// As nodes tell it in their list.
    id: String,
    name: [u8; NAME_BYTES],
    seal: LessSafeKey,
}

/// The keys are derived from the master keys, and from nothing else.
pub struct BusSeal {
    key: Key,
    /// They open only while a node that runs seals with them: one that was changed because others know it is of no use then.
    old: Vec<Key>,
    /// The names of the keys with which nodes seal.
    used: RwLock<Vec<String>>,
    process: [u8; 8],
    number: AtomicU64,
    seen: Mutex<Seen>,
}

impl BusSeal {
    pub(super) fn new(vault: &Vault, old: &[MasterKey]) -> anyhow::Result<Self> {
        let old = old.iter().map(key).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            key: key(&vault.master)?,
            old,
            used: RwLock::default(),
            process: random()?,
            number: AtomicU64::new(0),
            seen: Mutex::default(),
        })
    }

    /// From now on these are the keys with which nodes seal.
    pub fn set_used(&self, keys: Vec<String>) {
        *self.used.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn key_named(&self, name: &[u8]) -> Option<&Key> {
        if self.key.name == *name {
            return Some(&self.key);
        }
        let key = self.old.iter().find(|key| key.name == *name)?;
        self.used.read().unwrap_or_else(PoisonError::into_inner).contains(&key.id).then_some(key)
    }
}

fn key(master: &MasterKey) -> anyhow::Result<Key> {
    let derived = derive(master, "hubbub bus key id v1")?;
    let mut name = [0; NAME_BYTES];
    name.copy_from_slice(&derived[..NAME_BYTES]);
    let bytes = derive(master, "hubbub bus v1")?;
    let seal =
        UnboundKey::new(&AES_256_GCM_SIV, &bytes).map_err(|_| anyhow::anyhow!("the bus's key is refused"))?;
    Ok(Key { id: super::id_of(master)?, name, seal: LessSafeKey::new(seal) })
}

impl hub::Seal for BusSeal {
    fn seal(&self, channel: &str, plain: Vec<u8>) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random().ok()?;
        let number = self.number.fetch_add(1, Relaxed) + 1;
        let mut body = [&self.process[..], &number.to_be_bytes(), &plain].concat();
        let sealing = Nonce::assume_unique_for_key(nonce);
        let tag = self.key.seal.seal_in_place_separate_tag(sealing, Aad::from(channel.as_bytes()), &mut body);
        Some([&self.key.name[..], &nonce, &body, tag.ok()?.as_ref()].concat())
    }

    fn open(&self, channel: &str, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let (name, rest) = sealed.split_at_mut_checked(NAME_BYTES)?;
        let (nonce, body) = rest.split_at_mut_checked(NONCE_LEN)?;
        let key = self.key_named(name)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = key.seal.open_in_place(nonce, Aad::from(channel.as_bytes()), body).ok()?;
        let (process, rest) = plain.split_first_chunk::<8>()?;
        let (number, message) = rest.split_first_chunk::<8>()?;
        let number = u64::from_be_bytes(*number);
        let is_new = self.seen.lock().unwrap_or_else(PoisonError::into_inner).is_new(*process, number);
        is_new.then(|| message.to_vec())
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
    fn what_one_node_seals_opens_at_the_others_once_and_nowhere_else() {
        let (here, there) = (seal(&[1]), seal(&[1]));
        let sealed = here.seal("hub:tenant:7", b"a customer's words".to_vec()).expect("sealed");
        assert!(!sealed.windows(8).any(|part| part == b"customer"));
        assert_eq!(there.open("hub:tenant:8", sealed.clone()), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(there.open("hub:tenant:7", changed), None);
            assert_eq!(there.open("hub:tenant:7", sealed[..at].to_vec()), None);
        }
        assert_eq!(there.open("hub:tenant:7", sealed.clone()).expect("opened"), b"a customer's words");
        assert_eq!(there.open("hub:tenant:7", sealed.clone()), None, "heard before");
        assert_eq!(seal(&[1]).open("hub:tenant:7", sealed).expect("opened"), b"a customer's words");
        assert_ne!(here.seal("c", b"x".to_vec()), here.seal("c", b"x".to_vec()));
    }

    #[test]
    fn an_old_key_opens_while_a_node_seals_with_it() {
        let (before, after, other) = (seal(&[1]), seal(&[2, 1]), seal(&[3]));
        let old = Vault::new(MasterKey([1; 32]), &[]).expect("a vault").key_ids();
        let sealed = || before.seal("c", b"x".to_vec()).expect("sealed");
        assert_eq!(after.open("c", sealed()), None);
        after.set_used(old);
        assert_eq!(after.open("c", sealed()).expect("opened"), b"x");
        assert_eq!(other.open("c", sealed()), None);
        after.set_used(Vec::new());
        assert_eq!(after.open("c", sealed()), None);
    }
}
