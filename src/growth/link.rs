//! Tracked links: making, changing, removing, listing. A link is of its channel's company, wherever the channel moves.

use uuid::Uuid;

use super::source_name;
use super::target::{MAX_TEXT, Opens};
use super::utm;
use crate::accounts::{Scope, check_name};
use crate::error::Error;
use crate::model::{Link, Utm};
use crate::store::{Tx, Verb, channels, links};

/// Links of a tenant.
const MOST: i64 = 2_000;
/// Tries to find a code that no other link has; of 29^7 codes.
const TRIES: usize = 4;
const CODE_SIGNS: &[u8; 29] = b"23456789abcdefghjkmnpqrstvwxy";
const CODE_LENGTH: usize = 7;
/// Days of visits that are shown.
pub const DAYS_SHOWN: i64 = 90;
pub const DAY_MS: i64 = 24 * 3_600_000;

/// Codes to try, from random bytes.
pub fn codes(random: [u8; CODE_LENGTH * TRIES]) -> Vec<String> {
    let code =
        |bytes: &[u8]| bytes.iter().map(|byte| char::from(CODE_SIGNS[usize::from(*byte) % 29])).collect();
    random.chunks(CODE_LENGTH).map(code).collect()
}

/// Whether a word can be a code at all; nothing else is looked up.
pub fn is_code(word: &str) -> bool {
    word.len() == CODE_LENGTH && word.bytes().all(|sign| CODE_SIGNS.contains(&sign))
}

/// The fields that a person writes.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    pub name: Option<String>,
    pub target: Option<String>,
    /// An empty text is none.
    pub text: Option<String>,
    pub utm: Option<Utm>,
    pub campaign: Option<String>,
    pub active: Option<bool>,
    /// 0: never.
    pub expires_at: Option<i64>,
}

pub struct CreateLink {
    pub scope: Scope,
    pub channel: Uuid,
    pub fields: Fields,
    /// See [`codes`].
    pub codes: Vec<String>,
}

impl Verb for CreateLink {
    type Out = Link;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Link, Error> {
        let tenant = self.scope.tenant();
        let channel = channels::by_id(tx, tenant, self.channel).await?;
        let channel = channel.filter(|found| self.scope.sees_company(found.company));
        let channel = channel.ok_or(Error::NotFound("channel"))?;
        if links::count(tx, tenant, MOST).await? >= MOST {
            return Err(Error::conflict("too_many", format!("there are {MOST} links already: remove some")));
        }
        for (field, is_there) in
            [("name", self.fields.name.is_some()), ("target", self.fields.target.is_some())]
        {
            if !is_there {
                return Err(Error::invalid(field, "is missing"));
            }
        }
        let (id, now) = (tx.new_id(), tx.now());
        let mut taken = None;
        for code in &self.codes {
            if links::take_code(tx, code, (tenant, id)).await? {
                taken = Some(code.clone());
                break;
            }
        }
        let code = taken.ok_or_else(|| anyhow::anyhow!("no code for a link is free"))?;
        let mut link = Link {
            id,
            tenant,
            company: channel.company,
            channel: channel.id,
            channel_kind: channel.kind,
            code,
            name: String::new(),
            target: String::new(),
            text: None,
            utm: Utm::default(),
            campaign: None,
            active: true,
            expires_at: None,
            visits: 0,
            chats: 0,
            visited_at: None,
            created_at: now,
            updated_at: now,
        };
        set(tx, &mut link, &self.fields).await?;
        links::insert(tx, &link).await?;
        Ok(link)
    }
}

/// Checks the fields and sets them.
async fn set(tx: &mut Tx<'_>, link: &mut Link, fields: &Fields) -> Result<(), Error> {
    let opens = Opens::of(&link.channel_kind)
        .ok_or_else(|| Error::invalid("channel", "no link opens a chat on channels of this kind"))?;
    if let Some(name) = &fields.name {
        link.name = check_name("name", name)?;
    }
    if let Some(target) = &fields.target {
        link.target = opens.target(target)?;
    }
    if let Some(text) = &fields.text {
        let text = text.trim();
        if !text.is_empty() && !opens.has_text() {
            return Err(Error::invalid("text", "only WhatsApp shows a text that is written already"));
        }
        if text.chars().count() > MAX_TEXT {
            return Err(Error::invalid("text", format!("has more than {MAX_TEXT} characters")));
        }
        link.text = (!text.is_empty()).then(|| text.to_owned());
    }
    if let Some(marks) = &fields.utm {
        link.utm = source_name::cleaned(tx, link.tenant, marks).await?;
    }
    if let Some(campaign) = &fields.campaign {
        link.campaign = utm::clean(campaign);
    }
    if let Some(active) = fields.active {
        link.active = active;
    }
    if let Some(expires_at) = fields.expires_at {
        // The largest time that everything can still show: the end of the year 9999.
        if !(0..253_402_300_800_000).contains(&expires_at) {
            return Err(Error::invalid("expires_at", "is no time in milliseconds since 1970"));
        }
        link.expires_at = Some(expires_at).filter(|at| *at > 0);
    }
    Ok(())
}

/// A link that the scope sees.
async fn load(tx: &mut Tx<'_>, scope: &Scope, id: Uuid) -> Result<Link, Error> {
    let found = links::by_id(tx, scope.tenant(), id).await?;
    found.filter(|link| scope.sees_company(link.company)).ok_or(Error::NotFound("link"))
}

pub struct ChangeLink {
    pub scope: Scope,
    pub id: Uuid,
    pub fields: Fields,
}

impl Verb for ChangeLink {
    type Out = Link;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Link, Error> {
        let mut link = load(tx, &self.scope, self.id).await?;
        set(tx, &mut link, &self.fields).await?;
        link.updated_at = tx.now();
        links::update(tx, &link).await?;
        Ok(link)
    }
}

pub struct RemoveLink {
    pub scope: Scope,
    pub id: Uuid,
}

impl Verb for RemoveLink {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let link = load(tx, &self.scope, self.id).await?;
        Ok(links::remove(tx, &link).await?)
    }
}

/// One link, by its id.
pub struct GetLink {
    pub scope: Scope,
    pub id: Uuid,
}

impl Verb for GetLink {
    type Out = Link;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Link, Error> {
        load(tx, &self.scope, self.id).await
    }
}

/// The links that the scope sees, newest first.
pub struct ListLinks {
    pub scope: Scope,
    pub before: Option<Uuid>,
    pub limit: i64,
}

impl Verb for ListLinks {
    type Out = Vec<Link>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut before = self.before.unwrap_or(Uuid::max());
        let (limit, mut seen) = (usize::try_from(self.limit).unwrap_or(1), Vec::new());
        loop {
            let page = links::of_tenant(tx, self.scope.tenant(), before, self.limit).await?;
            let is_last = page.len() < limit;
            before = page.last().map_or(before, |last| last.id);
            seen.extend(page.into_iter().filter(|link| self.scope.sees_company(link.company)));
            if is_last || seen.len() >= limit {
                seen.truncate(limit);
                return Ok(seen);
            }
        }
    }
}

/// How often a link was visited on each of the last days: the day's begin (UTC) and the count.
pub struct VisitsOfLink {
    pub scope: Scope,
    pub id: Uuid,
}

impl Verb for VisitsOfLink {
    type Out = Vec<(i64, i64)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let link = load(tx, &self.scope, self.id).await?;
        let from = tx.now() / DAY_MS - DAYS_SHOWN;
        let days = links::days(tx, (link.tenant, link.id), from).await?;
        Ok(days.into_iter().map(|(day, amount)| (day * DAY_MS, amount)).collect())
    }
}
