//! Whose the history is. A document in it names a term, a random word, which the installation's own database has too. Every
//! few seconds a running server makes another term: first in its database, then here. A copy of the database, however it was
//! made, has the term of the moment in which it was made, and so does not pass for its original. Pure.

/// Terms of before that are kept: about a minute of them.
pub const KEPT: usize = 12;

/// What the installation's database has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// `None`: it has never had a history here.
    pub term: Option<String>,
    /// The term that is about to replace it. Whether it is in the history already, only the history knows.
    pub next: Option<String>,
}

/// What the history says of its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub term: String,
    /// The terms of before, the newest first.
    pub before: Vec<String>,
    /// The installation's identity, which its copies have as well.
    pub installation: String,
    /// The epoch of its feed.
    pub epoch: String,
    /// The machine that wrote this, and when by its clock, in Unix milliseconds. For people: nothing is decided by it.
    pub machine: String,
    pub at: i64,
}

/// How a database stands to a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The history is its own.
    Owner,
    /// It has a term of about a minute ago: a standby that took over without the last commits, or a young copy. As long as
    /// terms are made by another one, it is a copy.
    Behind,
    Another,
}

impl Claim {
    pub fn stands_to(&self, owner: &Owner) -> Standing {
        let has = |term: &String| self.term.as_ref() == Some(term) || self.next.as_ref() == Some(term);
        if has(&owner.term) {
            Standing::Owner
        } else if owner.before.iter().any(has) {
            Standing::Behind
        } else {
            Standing::Another
        }
    }
}

impl Owner {
    /// The terms that are kept when another one follows.
    pub fn terms(&self) -> Vec<String> {
        std::iter::once(&self.term).chain(&self.before).take(KEPT).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(term: &str, before: &[&str]) -> Owner {
        let before = before.iter().map(|term| (*term).to_owned()).collect();
        Owner { term: term.to_owned(), before, ..Owner::default() }
    }

    fn claim(term: &str, next: Option<&str>) -> Claim {
        Claim { term: Some(term.to_owned()), next: next.map(str::to_owned) }
    }

    #[test]
    fn a_database_is_the_owner_by_its_term_or_by_the_one_that_it_has_prepared() {
        let now = owner("c", &["b", "a"]);
        for (claim, standing) in [
            (claim("c", None), Standing::Owner),
            (claim("c", Some("d")), Standing::Owner),
            // It ended between the two writes.
            (claim("b", Some("c")), Standing::Owner),
            (claim("b", None), Standing::Behind),
            (claim("b", Some("x")), Standing::Behind),
            (claim("y", Some("a")), Standing::Behind),
            (claim("y", Some("z")), Standing::Another),
            (Claim::default(), Standing::Another),
        ] {
            assert_eq!(claim.stands_to(&now), standing, "{claim:?}");
        }
    }

    #[test]
    fn a_copy_is_not_taken_for_its_original_a_minute_later() {
        let mut now = owner("0", &[]);
        for made in 1..=KEPT {
            now = Owner { term: made.to_string(), before: now.terms(), ..now };
            assert_eq!(claim("0", None).stands_to(&now), Standing::Behind);
        }
        now = Owner { term: "last".to_owned(), before: now.terms(), ..now };
        assert_eq!((claim("0", None).stands_to(&now), now.before.len()), (Standing::Another, KEPT));
    }
}
