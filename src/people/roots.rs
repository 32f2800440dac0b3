//! Which contacts are one person, by the reasons that hold: a union of sets, in the order of the reasons. Pure.

use std::collections::BTreeMap;

use uuid::Uuid;

/// The contact as which each one is seen, from the active reasons in the order in which they came: the one that was merged
/// into. What an undone reason had changed is as if it had never been.
pub(super) fn roots(contacts: &[Uuid], reasons: &[(Uuid, Uuid)]) -> BTreeMap<Uuid, Uuid> {
    let mut above: BTreeMap<Uuid, Uuid> = contacts.iter().map(|one| (*one, *one)).collect();
    for (contact, into) in reasons {
        let (from, to) = (top(&above, *contact), top(&above, *into));
        above.insert(from, to);
        above.entry(to).or_insert(to);
    }
    above.keys().map(|one| (*one, top(&above, *one))).collect()
}

fn top(above: &BTreeMap<Uuid, Uuid>, mut one: Uuid) -> Uuid {
    // Ends: an entry is only ever pointed at another top, which does not point anywhere.
    while let Some(next) = above.get(&one).filter(|next| **next != one) {
        one = *next;
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn seen(contacts: u128, reasons: &[(u128, u128)]) -> Vec<u128> {
        let contacts: Vec<Uuid> = (1..=contacts).map(id).collect();
        let reasons: Vec<_> = reasons.iter().map(|(one, other)| (id(*one), id(*other))).collect();
        roots(&contacts, &reasons).values().map(Uuid::as_u128).collect()
    }

    #[test]
    fn chains_and_circles_have_one_root() {
        assert_eq!(seen(3, &[]), [1, 2, 3]);
        assert_eq!(seen(3, &[(1, 2), (2, 3)]), [3, 3, 3]);
        assert_eq!(seen(3, &[(2, 3), (1, 2)]), [3, 3, 3]);
        assert_eq!(seen(2, &[(1, 2), (2, 1)]), [2, 2], "the first one holds");
        assert_eq!(seen(4, &[(1, 2), (3, 4), (1, 3)]), [4, 4, 4, 4]);
    }

    #[test]
    fn without_a_reason_it_is_as_if_it_had_never_been() {
        assert_eq!(seen(3, &[(1, 2), (2, 3)]), [3, 3, 3]);
        assert_eq!(seen(3, &[(2, 3)]), [1, 3, 3]);
        assert_eq!(seen(3, &[(1, 2)]), [2, 2, 3]);
    }
}
