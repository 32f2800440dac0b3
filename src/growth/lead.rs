//! Leads: what a landing page's server hands in. The same lead again is the first one: by the page's own id of it, else by
//! what the person wrote, within ten minutes. Whose a lead is `lead_match.rs` finds when its
//! person writes: what somebody typed into a form proves nothing.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::reference::{self, TRIES};
use super::source_name;
use super::utm;
use crate::accounts::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{Lead, Utm};
use crate::search::phone;
use crate::store::{Tx, Verb, accounts, leads, places};
use crate::vault;

/// Two of the same person within so long are one.
const AGAIN_MS: i64 = 10 * 60_000;
const MAX_FIELDS: usize = 50;
const MAX_NAME: usize = 200;
const MAX_VALUE: usize = 2_000;
const MAX_ADDRESS: usize = 2_000;
const MAX_CONSENT: usize = 4_000;

/// A lead as a landing page writes it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLead {
    /// Needed with a key or a token; a signed lead is of its page's tenant.
    pub tenant: Option<Uuid>,
    pub company: Option<Uuid>,
    /// Which page it is; a signed lead has its page's name.
    pub source: Option<String>,
    /// The page's own id of it: the same again is the first one. Without it, the same email and phone within ten minutes are.
    pub external_id: Option<String>,
    pub name: Option<String>,
    /// An email or a phone is needed.
    pub email: Option<String>,
    pub phone: Option<String>,
    /// What else the form asked, as text.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    #[serde(default)]
    pub utm: Utm,
    /// `gclid`, `fbclid`, `ttclid`, …
    #[serde(default)]
    pub click_ids: BTreeMap<String, String>,
    pub landing: Option<String>,
    pub referrer: Option<String>,
    /// The text to which the person agreed.
    pub consent: Option<String>,
    /// When, Unix milliseconds; without it now.
    pub consent_at: Option<i64>,
    /// A field of the form that people do not see. What fills it in is a program: its lead is answered 202 and not kept.
    pub trap: Option<String>,
}

pub struct AddLead {
    scope: Scope,
    new: NewLead,
    /// To try.
    references: Vec<String>,
}

impl AddLead {
    pub fn new(scope: Scope, new: NewLead) -> Result<Self, Error> {
        let references = (0..TRIES).map(|_| Ok(reference::make(vault::random()?)));
        let references = references.collect::<anyhow::Result<_>>()?;
        Ok(Self { scope, new, references })
    }
}

/// The lead, and whether it was there already.
pub struct Added {
    pub lead: Lead,
    pub is_repeated: bool,
}

impl Verb for AddLead {
    type Out = Added;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Added, Error> {
        let tenant = self.scope.tenant();
        let NewLead { source, company, external_id, consent_at, .. } = &self.new;
        let source = source.as_deref().ok_or_else(|| Error::invalid("source", "is missing"))?;
        let source = utm::clean(source).ok_or_else(|| Error::invalid("source", "is empty"))?;
        let source = source_name::meant(tx, tenant, source).await?;
        let marks = source_name::cleaned(tx, tenant, &self.new.utm).await?;
        let (mut lead, digest) = checked(&self.new)?;
        let external_id = short("external_id", external_id.as_deref(), MAX_NAME)?;
        let place = (tenant, source.as_str());
        let known = match &external_id {
            Some(external_id) => leads::by_external_id(tx, place, external_id).await?,
            None => leads::by_digest(tx, place, &digest, tx.now() - AGAIN_MS).await?,
        };
        if let Some(lead) = known {
            return Ok(Added { lead, is_repeated: true });
        }
        if let Some(company) = company
            && !(self.scope.sees_company(*company)
                && places::COMPANY.within(tx, &[tenant], *company).await?.is_some())
        {
            return Err(Error::NotFound("company"));
        }
        let now = tx.now();
        (lead.id, lead.tenant, lead.company, lead.at) = (tx.new_id(), tenant, *company, now);
        (lead.source, lead.external_id, lead.utm) = (source, external_id, marks);
        // A time in the future is a clock's mistake.
        lead.consent_at =
            lead.consent.as_ref().map(|_| consent_at.filter(|at| (0..=now).contains(at)).unwrap_or(now));
        for reference in &self.references {
            if lead.reference.is_none() && !leads::is_reference_taken(tx, tenant, reference).await? {
                lead.reference = Some(reference.clone());
            }
        }
        let home = accounts::country(tx, tenant, *company).await?;
        let home = home.as_deref().and_then(phone::country);
        let key = lead.phone.as_deref().and_then(|typed| phone::normalise(typed, home));
        leads::insert(tx, &lead, &digest, key.as_ref().map(phone::Phone::digits)).await?;
        announce::lead(tx, &lead)?;
        Ok(Added { lead, is_repeated: false })
    }
}

fn short(field: &'static str, text: Option<&str>, most: usize) -> Result<Option<String>, Error> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.chars().count() > most => {
            Err(Error::invalid(field, format!("has more than {most} characters")))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

/// The lead without what the database knows, and the digest of what the person wrote.
fn checked(written: &NewLead) -> Result<(Lead, String), Error> {
    let name = short("name", written.name.as_deref(), MAX_NAME)?;
    let name = name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
    let email = short("email", written.email.as_deref(), MAX_NAME)?.map(|email| email.to_lowercase());
    if email.as_ref().is_some_and(|email| !is_email(email)) {
        return Err(Error::invalid("email", "is no address"));
    }
    let phone = short("phone", written.phone.as_deref(), 60)?.map(|phone| digits(&phone)).transpose()?;
    if email.is_none() && phone.is_none() {
        return Err(Error::invalid("email", "give an email or a phone"));
    }
    let fields = map("fields", &written.fields)?;
    let click_ids = map("click_ids", &written.click_ids)?;
    let mut said = digest::Context::new(&digest::SHA256);
    for part in [email.as_deref(), phone.as_deref().map(|phone| phone.trim_start_matches('+'))] {
        said.update(part.unwrap_or_default().as_bytes());
        said.update(b"\0");
    }
    let digest = hex::encode(&said.finish().as_ref()[..16]);
    let lead = Lead {
        id: Uuid::nil(),
        tenant: Uuid::nil(),
        company: None,
        source: String::new(),
        external_id: None,
        name,
        email,
        phone,
        reference: None,
        contact: None,
        fields,
        utm: Utm::default(),
        click_ids,
        landing: short("landing", written.landing.as_deref(), MAX_ADDRESS)?,
        referrer: short("referrer", written.referrer.as_deref(), MAX_ADDRESS)?,
        consent: short("consent", written.consent.as_deref(), MAX_CONSENT)?,
        consent_at: None,
        at: 0,
    };
    Ok((lead, digest))
}

fn map(field: &'static str, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Error> {
    if given.len() > MAX_FIELDS {
        return Err(Error::invalid(field, format!("has more than {MAX_FIELDS} entries")));
    }
    let long = |text: &str, most: usize| text.chars().count() > most;
    if given.iter().any(|(name, value)| name.is_empty() || long(name, MAX_NAME) || long(value, MAX_VALUE)) {
        let problem = format!("names have 1 to {MAX_NAME} characters, values at most {MAX_VALUE}");
        return Err(Error::invalid(field, problem));
    }
    Ok(given.iter().map(|(name, value)| (name.clone(), value.trim().to_owned())).collect())
}

fn is_email(text: &str) -> bool {
    let Some((who, host)) = text.rsplit_once('@') else { return false };
    !who.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !text.chars().any(|sign| sign.is_whitespace() || sign.is_control() || "<>\",;".contains(sign))
}

/// The digits of a phone number, with its `+`; `00` before a country code is one.
fn digits(text: &str) -> Result<String, Error> {
    let is_number = text.chars().all(|sign| sign.is_ascii_digit() || " +-().\u{a0}/".contains(sign));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !is_number || !(5..=17).contains(&digits.len()) {
        return Err(Error::invalid("phone", "is no phone number"));
    }
    let coded = digits.strip_prefix("00");
    let plus = text.trim_start().starts_with('+') || coded.is_some();
    let digits = coded.map_or(digits.clone(), str::to_owned);
    Ok(if plus { format!("+{digits}") } else { digits })
}

/// The leads that the scope sees, newest first. Who sees some companies only is shown the leads of each, merged: leads of
/// others, however many, cost nothing.
pub struct ListLeads {
    pub scope: Scope,
    pub before: Option<Uuid>,
    pub limit: i64,
}

impl Verb for ListLeads {
    type Out = Vec<Lead>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let (tenant, before) = (self.scope.tenant(), self.before.unwrap_or(Uuid::max()));
        let Some(companies) = self.scope.companies() else {
            return Ok(leads::of_tenant(tx, tenant, before, self.limit).await?);
        };
        // A lead of no company is for those who see the whole tenant.
        let mut seen = leads::of_companies(tx, tenant, companies, before, self.limit).await?;
        seen.sort_by_key(|lead| std::cmp::Reverse(lead.id));
        seen.truncate(usize::try_from(self.limit).unwrap_or(1));
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(email: &str, phone: &str) -> NewLead {
        NewLead { email: Some(email.into()), phone: Some(phone.into()), ..NewLead::default() }
    }

    #[test]
    fn spellings_of_one_person_are_one() {
        let digest = |email, phone| checked(&written(email, phone)).expect("a lead").1;
        let one = digest("mira@example.com", "+1 (555) 010-0200");
        assert_eq!(one, digest(" Mira@Example.com ", "0015550100200"));
        assert_eq!(one, digest("MIRA@EXAMPLE.COM", "1-555-010-0200"));
        assert_ne!(one, digest("mira@example.com", "+1 555 010 0201"));
        for (email, phone) in
            [("", ""), ("mira", ""), ("a@b", ""), ("a b@example.com", ""), ("", "call me"), ("", "12")]
        {
            assert!(checked(&written(email, phone)).is_err(), "{email} {phone}");
        }
    }
}
