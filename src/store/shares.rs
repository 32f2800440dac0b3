//! How the workers of a class are shared: a tenant, and a provider, may take a further one only while enough others are free.
//! So neither a heavy tenant nor a provider that hangs ever holds all of them, however many queues it has.

use std::collections::HashMap;

use uuid::Uuid;

use super::jobs::Class;
use super::pace::Paces;
use super::queues::Queue;
use super::{StoreError, Tx};

/// Workers that one provider may hold for each that is free. Many tenants have the same one.
const OF_PROVIDER: usize = 2;
/// Tenants and providers that a claim leaves out by its statement. Further ones are put off, one queue at a time.
pub(super) const LEFT_OUT: usize = 4;

/// Who runs how many jobs of a class in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    workers: usize,
    running: usize,
    tenants: HashMap<Uuid, usize>,
    providers: HashMap<&'static str, usize>,
}

/// Whose job it is. The installation's own jobs are nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    pub tenant: Uuid,
    pub provider: Option<&'static str>,
}

impl Holder {
    pub(super) async fn of(tx: &mut Tx<'_>, queue: &Queue, paces: &Paces) -> Result<Self, StoreError> {
        let provider = if queue.tenant.is_nil() { None } else { paces.provider(tx, queue).await? };
        Ok(Self { tenant: queue.tenant, provider: provider.map(adapters::Provider::name) })
    }
}

impl Shares {
    pub fn of(class: Class) -> Self {
        Self { workers: class.workers(), ..Self::default() }
    }

    pub fn begin(&mut self, holder: Holder) {
        self.running += 1;
        *self.tenants.entry(holder.tenant).or_default() += 1;
        if let Some(provider) = holder.provider {
            *self.providers.entry(provider).or_default() += 1;
        }
    }

    pub fn end(&mut self, holder: Holder) {
        self.running = self.running.saturating_sub(1);
        leave(&mut self.tenants, holder.tenant);
        if let Some(provider) = holder.provider {
            leave(&mut self.providers, provider);
        }
    }

    fn free(&self) -> usize {
        self.workers.saturating_sub(self.running)
    }

    /// How many further jobs of the holder may begin, at most `wanted`.
    pub(super) fn room(&self, holder: Holder, wanted: i64) -> i64 {
        let mut shares = self.clone();
        let mut room = 0;
        while room < wanted && shares.may_begin(holder) {
            shares.begin(holder);
            room += 1;
        }
        room
    }

    fn may_begin(&self, holder: Holder) -> bool {
        self.free() > 0
            && !self.is_spent(holder.tenant)
            && holder.provider.is_none_or(|provider| !self.is_taken(provider))
    }

    fn is_spent(&self, tenant: Uuid) -> bool {
        !tenant.is_nil() && self.tenants.get(&tenant).copied().unwrap_or(0) >= self.free()
    }

    fn is_taken(&self, provider: &str) -> bool {
        self.providers.get(provider).copied().unwrap_or(0) >= OF_PROVIDER * self.free()
    }

    /// Whether somebody may begin nothing now.
    pub fn holds_back(&self) -> bool {
        self.tenants.keys().any(|tenant| self.is_spent(*tenant))
            || self.providers.keys().any(|provider| self.is_taken(provider))
    }

    /// The tenants that may begin nothing now, those with the most jobs first.
    pub(super) fn spent(&self) -> Vec<Uuid> {
        let mut spent: Vec<_> = self.tenants.iter().filter(|(tenant, _)| self.is_spent(**tenant)).collect();
        spent.sort_by_key(|(tenant, running)| (std::cmp::Reverse(**running), **tenant));
        spent.into_iter().take(LEFT_OUT).map(|(tenant, _)| *tenant).collect()
    }

    /// The providers of whose channels nothing may begin now.
    pub(super) fn taken(&self) -> Vec<&'static str> {
        let mut taken: Vec<_> =
            self.providers.iter().filter(|(provider, _)| self.is_taken(provider)).collect();
        taken.sort_by_key(|(provider, running)| (std::cmp::Reverse(**running), **provider));
        taken.into_iter().take(LEFT_OUT).map(|(provider, _)| *provider).collect()
    }
}

fn leave<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let std::collections::hash_map::Entry::Occupied(mut one) = counts.entry(key) {
        *one.get_mut() = one.get().saturating_sub(1);
        if *one.get() == 0 {
            one.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn holder(tenant: u128, provider: &'static str) -> Holder {
        Holder { tenant: Uuid::from_u128(tenant), provider: Some(provider) }
    }

    #[test]
    fn a_heavy_tenant_and_a_provider_that_hangs_leave_room_for_the_others() {
        for class in [Class::Send, Class::News, Class::Media] {
            let mut shares = Shares::of(class);
            let heavy = holder(1, "gmail");
            let taken = shares.room(heavy, i64::MAX);
            assert_eq!(taken as usize, class.workers() / 2, "{class:?}");
            for _ in 0..taken {
                shares.begin(heavy);
            }
            assert_eq!((shares.room(heavy, 9), shares.spent()), (0, vec![heavy.tenant]));
            // Many other tenants, all with the provider.
            let mut tenant = 2;
            while shares.room(holder(tenant, "gmail"), 1) == 1 {
                shares.begin(holder(tenant, "gmail"));
                tenant += 1;
            }
            assert_eq!(shares.taken(), ["gmail"]);
            assert!(shares.room(holder(tenant, "waha"), 1) == 1, "{shares:?}");
            shares.end(heavy);
            assert_ne!(shares.taken(), ["gmail"]);
        }
    }

    #[test]
    fn the_installations_own_jobs_take_all_workers_of_theirs() {
        let own = Holder { tenant: Uuid::nil(), provider: None };
        assert_eq!(Shares::of(Class::Upkeep).room(own, 99), 4);
    }

    proptest! {
        #[test]
        fn what_begins_and_ends_leaves_nothing(jobs in prop::collection::vec((1_u128..5, 0_usize..3), 0..60)) {
            let mut shares = Shares::of(Class::Send);
            let holders: Vec<_> =
                jobs.iter().map(|(tenant, one)| holder(*tenant, ["gmail", "waha", "telegram"][*one])).collect();
            for one in &holders {
                shares.begin(*one);
            }
            for one in holders {
                shares.end(one);
            }
            prop_assert_eq!(shares, Shares::of(Class::Send));
        }
    }
}
