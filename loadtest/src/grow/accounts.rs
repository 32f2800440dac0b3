//! Tenants of very different sizes with their companies, channels, users and keys. Existing ones are taken over as they
//! are; the others are generated.

use anyhow::{Context, Result, bail, ensure};
use uuid::Uuid;

use super::database::{Database, row};
use super::fill::Fill;
use super::id;
use super::plan::{DAY_MS, Plan};
use super::seal::Seal;
use super::table::Table;
use crate::clock::Dice;

/// Percent of all conversations that an existing channel gets, and the part of it that its tenant's other channels get.
const INTO: u64 = 30;
const BESIDE: u64 = 15;
/// A hash that no password has.
const NO_PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// Generated, not taken over.
    is_new: bool,
    role: &'static str,
}

pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    pub(crate) people: Vec<u32>,
    /// The key of its AI worker.
    pub(crate) worker: Uuid,
    pub(crate) company: Uuid,
    /// Of its newest event.
    pub(crate) cursor: i64,
    /// Which conversation that event was about, and when.
    pub(crate) newest_event: Option<(u32, i64)>,
    rank: usize,
    is_new: bool,
}

pub(crate) struct Channel {
    pub(crate) id: Uuid,
    pub(crate) tenant: u32,
    pub(crate) company: Uuid,
    /// Messages that its provider has numbered so far.
    pub(crate) numbered: i64,
    is_new: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct Existing {
    pub(crate) tenant: Uuid,
    pub(crate) channel: Uuid,
}

pub(crate) struct Accounts {
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) users: Vec<User>,
    /// The channel that is down.
    pub(crate) dead: u32,
    /// Up to which number of `weights` a draw belongs to each channel; the one that is down has none.
    weights: Vec<u64>,
    created_at: i64,
    seal: Option<Seal>,
}

impl Accounts {
    /// Ranks the tenants by Zipf's law; an existing one comes first.
    pub(crate) fn new(
        database: &mut dyn Database,
        plan: &Plan,
        tenants: u64,
        into: Option<Existing>,
        dead: Option<Uuid>,
        seal: Option<Seal>,
        dice: &mut Dice,
    ) -> Result<Self> {
        let created_at = plan.first_day() - DAY_MS;
        let mut accounts = Self {
            tenants: Vec::new(),
            channels: Vec::new(),
            users: Vec::new(),
            dead: 0,
            weights: Vec::new(),
            created_at,
            seal,
        };
        let total: f64 = (1..=tenants).map(|rank| 1.0 / rank as f64).sum();
        let rest = if into.is_some() { 100 - INTO } else { 100 };
        if let Some(into) = into {
            let tenant = accounts.adopt(database, into.channel, dice)?;
            ensure!(accounts.tenants[tenant as usize].id == into.tenant, "the channel is another tenant's");
            accounts.weigh(INTO * 10_000 * (100 - BESIDE));
            for _ in 0..2 {
                accounts.channel(tenant, dice);
                accounts.weigh(INTO * 10_000 * BESIDE / 2);
            }
        }
        for rank in 1..=tenants {
            let share = (rest * 1_000_000) as f64 / total / rank as f64;
            let tenant = accounts.tenant(rank as usize, dice);
            let channels = 1 + u64::from((share as u64).ilog2()) / 4;
            for _ in 0..channels {
                accounts.channel(tenant, dice);
                accounts.weigh((share as u64 / channels).max(1));
            }
        }
        accounts.dead = accounts.channels.len() as u32;
        match dead {
            Some(channel) => drop(accounts.adopt(database, channel, dice)?),
            None => accounts.channel(accounts.tenants.len() as u32 / 2, dice),
        }
        Ok(accounts)
    }

    /// A channel for a new customer.
    pub(crate) fn draw_channel(&self, dice: &mut Dice) -> u32 {
        let drawn = dice.roll(self.weights.last().copied().unwrap_or(1));
        self.weights.partition_point(|until| *until <= drawn) as u32
    }

    fn weigh(&mut self, weight: u64) {
        self.weights.push(self.weights.last().copied().unwrap_or(0) + weight);
    }

    /// Takes a channel over that is there already, with its tenant and the people who can answer.
    fn adopt(&mut self, database: &mut dyn Database, channel: Uuid, dice: &mut Dice) -> Result<u32> {
        let engine = database.engine();
        let id = engine.id(channel);
        let found = database.rows(&format!(
            "select t.id, c.company, t.next_cursor, c.kind from channels c join tenants t on t.id = c.tenant where c.id = {id}"
        ))?;
        let Some([Some(tenant), Some(company), Some(cursor), Some(kind)]) = found.first().map(|row| &row[..])
        else {
            bail!("there is no channel {channel}");
        };
        ensure!(
            kind == "telegram",
            "channel {channel} is not a Telegram channel, and only those are imitated"
        );
        let (tenant, company, cursor) = (tenant.parse()?, company.parse()?, cursor.parse()?);
        let known = self.tenants.iter().position(|known| known.id == tenant);
        let at = known.unwrap_or(self.tenants.len()) as u32;
        if known.is_none() {
            let worker = id::at(self.created_at, dice);
            let people = Vec::new();
            self.tenants.push(Tenant {
                id: tenant,
                people,
                worker,
                company,
                cursor,
                newest_event: None,
                rank: 0,
                is_new: false,
            });
            let sql = format!(
                "select u.id, u.name from users u join memberships m on m.user_id = u.id \
                 where m.tenant = {} and m.role in ('owner', 'agent') order by u.id limit 100",
                engine.id(tenant)
            );
            for row in database.rows(&sql)? {
                let mut columns = row.into_iter().flatten();
                let id = columns.next().context("a user without an id")?.parse()?;
                let name = columns.next().unwrap_or_default();
                self.user(at, User { id, name, is_new: false, role: "agent" });
            }
            self.staff(at, 20, dice);
        }
        self.channels.push(Channel { id: channel, tenant: at, company, numbered: 0, is_new: false });
        Ok(at)
    }

    fn tenant(&mut self, rank: usize, dice: &mut Dice) -> u32 {
        let at = self.tenants.len() as u32;
        let (id, company) = (id::at(self.created_at, dice), id::at(self.created_at, dice));
        let worker = id::at(self.created_at, dice);
        self.tenants.push(Tenant {
            id,
            people: Vec::new(),
            worker,
            company,
            cursor: 0,
            newest_event: None,
            rank,
            is_new: true,
        });
        self.staff(at, 1 + 40 / rank, dice);
        at
    }

    fn staff(&mut self, tenant: u32, people: usize, dice: &mut Dice) {
        for number in 0..people {
            let (name, _) = super::names::of(self.users.len() as u32, 77);
            let role = if number == 0 { "owner" } else { "agent" };
            self.user(tenant, User { id: id::at(self.created_at, dice), name, is_new: true, role });
        }
    }

    fn user(&mut self, tenant: u32, user: User) {
        self.tenants[tenant as usize].people.push(self.users.len() as u32);
        self.users.push(user);
    }

    fn channel(&mut self, tenant: u32, dice: &mut Dice) {
        let id = id::at(self.created_at, dice);
        let company = self.tenants[tenant as usize].company;
        self.channels.push(Channel { id, tenant, company, numbered: 0, is_new: true });
    }

    /// Writes the rows of all that were generated.
    pub(crate) fn write(&self, fill: &mut Fill<'_>, now: i64, dice: &mut Dice) -> Result<()> {
        let at = self.created_at;
        for tenant in &self.tenants {
            let Tenant { id, company, worker, rank, .. } = tenant;
            if tenant.is_new {
                let name = format!("Tenant {rank}");
                fill.put(Table::Tenants, row![*id, &name, tenant.cursor, at])?;
                fill.put(Table::Companies, row![*company, *id, &name, "hybrid", at])?;
            }
            let digest = id::digest(dice);
            fill.put(Table::Keys, row![*id, *worker, "worker", "responder", "hbk_made", at])?;
            fill.put(Table::Digests, row![&digest, *id, *worker])?;
            for person in &tenant.people {
                self.write_user(fill, *id, *person, now, dice)?;
            }
        }
        for (number, channel) in self.channels.iter().enumerate() {
            let health = format!(r#"{{"state":"down","detail":"Unauthorized","at":{now}}}"#);
            let health = (number as u32 == self.dead).then_some(&health);
            if channel.is_new {
                let tenant = self.tenants[channel.tenant as usize].id;
                let (name, hook) = (format!("Channel {number}"), id::digest(dice));
                let sealed =
                    self.seal.as_ref().map(|seal| seal.credentials(channel.id, number)).transpose()?;
                let sealed = sealed.as_deref().unwrap_or("hv1.none.none");
                let row = row![
                    channel.id,
                    tenant,
                    channel.company,
                    "telegram",
                    &name,
                    "active",
                    &hook,
                    sealed,
                    "{}",
                    health,
                    at,
                    at
                ];
                fill.put(Table::Channels, row)?;
                fill.put(Table::Paths, row![&hook, tenant, channel.id])?;
            }
        }
        Ok(())
    }

    /// With a session that goes on, and some that are over.
    fn write_user(
        &self,
        fill: &mut Fill<'_>,
        tenant: Uuid,
        person: u32,
        now: i64,
        dice: &mut Dice,
    ) -> Result<()> {
        let (at, user) = (self.created_at, &self.users[person as usize]);
        if !user.is_new {
            return Ok(());
        }
        let email = format!("person{person}@grown.example.com");
        let row = row![user.id, &email, &user.name, NO_PASSWORD, None::<&str>, true, at, at];
        fill.put(Table::Users, row)?;
        fill.put(Table::Memberships, row![tenant, user.id, user.role, None::<&str>, at])?;
        for age in [0, 1, 20, 40, 60] {
            let made = now - age * DAY_MS;
            let (family, digest) = (id::at(made - DAY_MS, dice), id::digest(dice));
            let (token, ends_at) = (id::at(made, dice), made + 30 * DAY_MS);
            fill.put(Table::Sessions, row![family, user.id, made, ends_at, 0_i64, 0_i64])?;
            let row = row![token, family, user.id, &digest, ends_at, made];
            fill.put(Table::Tokens, row)?;
        }
        Ok(())
    }

    /// Sets `next_cursor` of the tenants that were taken over.
    pub(crate) fn move_feeds(&self, database: &mut dyn Database) -> Result<()> {
        let engine = database.engine();
        for tenant in self.tenants.iter().filter(|tenant| !tenant.is_new) {
            let (cursor, id) = (tenant.cursor, engine.id(tenant.id));
            database.run(&format!("update tenants set next_cursor = {cursor} where id = {id}"))?;
        }
        Ok(())
    }

    /// Removes the events of the tenants that were taken over: the kept part of a feed has no gaps.
    pub(crate) fn cut_feeds(&self, database: &mut dyn Database) -> Result<()> {
        let engine = database.engine();
        for tenant in self.tenants.iter().filter(|tenant| !tenant.is_new) {
            database.run(&format!("delete from events where tenant = {}", engine.id(tenant.id)))?;
        }
        Ok(())
    }
}
