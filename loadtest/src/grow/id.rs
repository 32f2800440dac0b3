//! Ids as the server generates them: UUIDv7, ascending with their time.

use uuid::Uuid;

use crate::clock::Dice;

/// An id for a time in Unix milliseconds.
pub(crate) fn at(ms: i64, dice: &mut Dice) -> Uuid {
    let high = dice.roll(1 << 16).to_be_bytes();
    let low = dice.roll(u64::MAX).to_be_bytes();
    let mut random = [0; 10];
    random[..2].copy_from_slice(&high[6..]);
    random[2..].copy_from_slice(&low);
    uuid::Builder::from_unix_timestamp_millis(ms.max(0).cast_unsigned(), &random).into_uuid()
}

/// 64 hexadecimal digits, like those of a SHA-256.
pub(crate) fn digest(dice: &mut Dice) -> String {
    let mut bytes = [0; 32];
    for eight in bytes.chunks_exact_mut(8) {
        eight.copy_from_slice(&dice.roll(u64::MAX).to_be_bytes());
    }
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_with_their_time() {
        let mut dice = Dice::new(1);
        let (early, late) = (at(1_794_312_000_123, &mut dice), at(1_794_312_000_124, &mut dice));
        assert!(early < late && early.get_version_num() == 7);
        assert!(early.to_string().starts_with("01a1c554-527b"), "{early}");
    }
}
