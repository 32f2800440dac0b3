//! The features and limits of a tenant's plan, loaded with the caller's access. No plan is stored yet, so every tenant
//! has [`Terms::unlimited`]; `load_access.rs` is the place to read a stored one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use crate::error::Error;
use crate::model::text_enum;

text_enum!(
    /// What is counted.
    #[derive(PartialOrd, Ord)]
    Limit {
        Channels = "channels",
        Companies = "companies",
        Seats = "seats",
    }
);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Features that are enabled; `None` means all.
    pub features: Option<BTreeSet<String>>,
    /// A limit without an entry does not apply.
    pub limits: BTreeMap<Limit, i64>,
}

impl Terms {
    pub fn unlimited() -> Arc<Self> {
        static UNLIMITED: LazyLock<Arc<Terms>> = LazyLock::new(Arc::default);
        Arc::clone(&UNLIMITED)
    }

    pub fn has(&self, feature: &str) -> bool {
        self.features.as_ref().is_none_or(|features| features.contains(feature))
    }

    /// Checks that there is room for one more beside `count`, which was counted in the transaction that adds it.
    pub fn room(&self, limit: Limit, count: i64) -> Result<(), Error> {
        match self.limits.get(&limit) {
            Some(most) if count >= *most => {
                let detail = format!("the plan has {most} {limit}, and all are in use");
                Err(Error::conflict("plan_limit", detail))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_refuses_what_is_over_it() {
        let limits = BTreeMap::from([(Limit::Channels, 2)]);
        let terms = Terms { features: Some(BTreeSet::from(["rules".to_owned()])), limits };
        assert!(terms.room(Limit::Channels, 1).is_ok() && terms.room(Limit::Companies, 1_000).is_ok());
        let full = terms.room(Limit::Channels, 2);
        assert!(matches!(full, Err(Error::Conflict { code: "plan_limit", .. })));
        assert!(terms.has("rules") && !terms.has("mail"));
        assert!(Terms::unlimited().has("mail") && Terms::unlimited().room(Limit::Seats, 1_000_000).is_ok());
    }
}
