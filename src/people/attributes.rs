//! Attributes: what a tenant wants to know of its contacts, of which type, and what it knows. A value is refused with the name
//! of its attribute.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::cards::{self, Card};
use super::group::seen;
use super::tell::tell;
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::{Attribute, AttributeKind, AttributeRules, AttributeValue, EventKind};
use crate::search::fold::fold;
use crate::store::{Tx, Verb, attributes, contact_words};

const MOST: usize = 100;
const MAX_NAME: usize = 60;
const MAX_TEXT: u32 = 1_000;
const MAX_CHOICES: usize = 100;
/// The parts of an address.
const ADDRESS: [&str; 5] = ["street", "postal_code", "city", "region", "country"];

pub struct ListAttributes(pub Scope);

impl Verb for ListAttributes {
    type Out = Vec<Attribute>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Attribute>, Error> {
        Ok(attributes::list(tx, self.0.tenant()).await?)
    }
}

/// Makes an attribute, or changes the name and the rules of one. Values that are there stay, whatever the rules say now.
pub struct PutAttribute {
    pub scope: Scope,
    pub id: Option<Uuid>,
    pub name: String,
    pub kind: AttributeKind,
    pub rules: AttributeRules,
}

impl Verb for PutAttribute {
    type Out = Attribute;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Attribute, Error> {
        let name = super::name(&self.name, MAX_NAME)?;
        check_rules(self.kind, &self.rules)?;
        let known = attributes::list(tx, self.scope.tenant()).await?;
        // Retired ones too: their values are still shown under their names.
        let folded = fold(&name);
        if known.iter().any(|one| Some(one.id) != self.id && fold(&one.name) == folded) {
            return Err(Error::invalid("name", "another attribute has this name: choose another one"));
        }
        let id = match self.id {
            Some(id) => {
                let found = known.iter().find(|one| one.id == id).ok_or(Error::NotFound("attribute"))?;
                if found.kind != self.kind {
                    return Err(Error::invalid("kind", "cannot change: make another attribute"));
                }
                id
            }
            None if known.len() >= MOST => {
                let detail = format!("a tenant has at most {MOST} attributes");
                return Err(Error::conflict("too_many_attributes", detail));
            }
            None => tx.new_id(),
        };
        let made = Attribute { id, name, kind: self.kind, rules: self.rules.clone() };
        attributes::put(tx, self.scope.tenant(), &made).await?;
        Ok(made)
    }
}

/// Sets what is known of a person; null unsets it. All of it or nothing.
pub struct SetAttributes {
    pub scope: Scope,
    pub contact: Uuid,
    pub values: BTreeMap<Uuid, Value>,
}

impl Verb for SetAttributes {
    type Out = Card;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Card, Error> {
        let tenant = self.scope.tenant();
        let person = seen(tx, &self.scope, self.contact).await?;
        let known = attributes::list(tx, tenant).await?;
        // Only what is set or unset on a contact changes its words, which are hundreds of rows.
        let mut changed = std::collections::BTreeSet::from([person.contact.id]);
        for (id, value) in &self.values {
            let unknown = || Error::invalid(format!("values.{id}"), "there is no such attribute");
            let attribute = known.iter().find(|one| one.id == *id).ok_or_else(unknown)?;
            if value.is_null() {
                for member in &person.members {
                    if attributes::unset(tx, tenant, member.id, *id).await? {
                        changed.insert(member.id);
                    }
                }
                continue;
            }
            if attribute.rules.retired {
                let why = "is retired: it can only be unset";
                return Err(Error::invalid(format!("values.{}", attribute.name), why));
            }
            check(attribute, value)
                .map_err(|why| Error::invalid(format!("values.{}", attribute.name), why))?;
            let value = AttributeValue {
                attribute: *id,
                value: value.clone(),
                updated_at: tx.now(),
                author: self.scope.actor().name.clone(),
            };
            attributes::set(tx, tenant, person.contact.id, &value).await?;
        }
        for contact in changed {
            contact_words::note(tx, tenant, contact).await?;
        }
        tell(tx, tenant, self.contact, EventKind::ContactUpdated, None).await?;
        cards::of(tx, &self.scope, self.contact).await
    }
}

/// What is known of a person: of each attribute the value of the contact as which it is seen, else the newest.
pub(super) async fn of(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    members: &[Uuid],
) -> Result<Vec<AttributeValue>, Error> {
    let mut found: BTreeMap<Uuid, (bool, AttributeValue)> = BTreeMap::new();
    for (place, values) in attributes::of_contacts(tx, tenant, members).await?.into_iter().enumerate() {
        for value in values {
            let is_roots = place == 0;
            let is_better = found
                .get(&value.attribute)
                .is_none_or(|(roots, known)| !roots && (is_roots || value.updated_at > known.updated_at));
            if is_better {
                found.insert(value.attribute, (is_roots, value));
            }
        }
    }
    Ok(found.into_values().map(|(_, value)| value).collect())
}

fn check_rules(kind: AttributeKind, rules: &AttributeRules) -> Result<(), Error> {
    let fits = |field, is_used: bool, wanted: bool| {
        if is_used && !wanted {
            return Err(Error::invalid(format!("rules.{field}"), format!("{kind} values have none")));
        }
        Ok(())
    };
    let is_number = kind == AttributeKind::Number;
    fits("min", rules.min.is_some(), is_number)?;
    fits("max", rules.max.is_some(), is_number)?;
    fits("max_length", rules.max_length.is_some(), kind == AttributeKind::Text)?;
    fits("choices", !rules.choices.is_empty(), kind == AttributeKind::Choice)?;
    if rules.min.zip(rules.max).is_some_and(|(min, max)| min > max) {
        return Err(Error::invalid("rules.max", "is below the least"));
    }
    if rules.max_length.is_some_and(|most| !(1..=MAX_TEXT).contains(&most)) {
        return Err(Error::invalid("rules.max_length", format!("give 1 to {MAX_TEXT}")));
    }
    if kind == AttributeKind::Choice {
        let mut sorted: Vec<&str> = rules.choices.iter().map(|choice| choice.trim()).collect();
        let bad = |choice: &&str| choice.is_empty() || choice.chars().count() > MAX_NAME;
        if sorted.is_empty() || sorted.len() > MAX_CHOICES || sorted.iter().any(bad) {
            let problem = format!("give 1 to {MAX_CHOICES} choices of 1 to {MAX_NAME} characters");
            return Err(Error::invalid("rules.choices", problem));
        }
        sorted.sort_unstable();
        if sorted.windows(2).any(|two| two[0] == two[1]) {
            return Err(Error::invalid("rules.choices", "names a choice twice"));
        }
    }
    Ok(())
}

/// Why a value cannot be of an attribute.
fn check(attribute: &Attribute, value: &Value) -> Result<(), String> {
    let rules = &attribute.rules;
    let is_short = |text: &str, most: u32| text.chars().count() <= most as usize;
    match (attribute.kind, value) {
        (AttributeKind::Text, Value::String(text)) => {
            let most = rules.max_length.unwrap_or(MAX_TEXT);
            if is_short(text, most) { Ok(()) } else { Err(format!("at most {most} characters")) }
        }
        (AttributeKind::Number, Value::Number(number)) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            match (rules.min, rules.max) {
                (Some(min), _) if number < min => Err(format!("at least {min}")),
                (_, Some(max)) if number > max => Err(format!("at most {max}")),
                _ => Ok(()),
            }
        }
        (AttributeKind::Date, Value::String(text)) if is_date(text) => Ok(()),
        (AttributeKind::Choice, Value::String(text)) if rules.choices.contains(text) => Ok(()),
        (AttributeKind::YesNo, Value::Bool(_)) => Ok(()),
        (AttributeKind::Address, Value::Object(parts)) => {
            let fits = |(name, part): (&String, &Value)| {
                ADDRESS.contains(&name.as_str()) && part.as_str().is_some_and(|text| is_short(text, 200))
            };
            if !parts.is_empty() && parts.iter().all(fits) {
                return Ok(());
            }
            Err(format!("give texts of at most 200 characters under {}", ADDRESS.join(", ")))
        }
        (kind, _) => Err(match kind {
            AttributeKind::Text => "give a text".to_owned(),
            AttributeKind::Number => "give a number".to_owned(),
            AttributeKind::Date => "give a date as YYYY-MM-DD".to_owned(),
            AttributeKind::Choice => format!("one of {}", rules.choices.join(", ")),
            AttributeKind::YesNo => "give true or false".to_owned(),
            AttributeKind::Address => format!("give an object of {}", ADDRESS.join(", ")),
        }),
    }
}

/// A day of the calendar.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let is_long = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_long(year, 4) || !is_long(month, 2) || !is_long(day, 2) {
        return false;
    }
    let (year, month, day): (u32, u32, u32) =
        (year.parse().unwrap_or(0), month.parse().unwrap_or(0), day.parse().unwrap_or(0));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return false,
    };
    year > 0 && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(kind: AttributeKind, rules: AttributeRules) -> Attribute {
        Attribute { id: Uuid::nil(), name: "It".into(), kind, rules }
    }

    #[test]
    fn a_value_has_the_type_and_the_bounds_of_its_attribute() {
        use AttributeKind::{Address, Choice, Date, Number, Text, YesNo};
        let plain = AttributeRules::default;
        let number = AttributeRules { min: Some(1.0), max: Some(9.5), ..plain() };
        let sizes = AttributeRules { choices: vec!["S".into(), "M".into()], ..plain() };
        let short = AttributeRules { max_length: Some(3), ..plain() };
        for (kind, rules, value, fits) in [
            (Text, plain(), json!("Ana"), true),
            (Text, short.clone(), json!("Éва"), true),
            (Text, short, json!("Anna"), false),
            (Text, plain(), json!(7), false),
            (Number, number.clone(), json!(9.5), true),
            (Number, number.clone(), json!(0), false),
            (Number, number.clone(), json!(10), false),
            (Number, number, json!("5"), false),
            (Date, plain(), json!("2024-02-29"), true),
            (Date, plain(), json!("2023-02-29"), false),
            (Date, plain(), json!("1900-02-29"), false),
            (Date, plain(), json!("2024-13-01"), false),
            (Date, plain(), json!("24-1-1"), false),
            (Choice, sizes.clone(), json!("M"), true),
            (Choice, sizes, json!("m"), false),
            (YesNo, plain(), json!(false), true),
            (YesNo, plain(), json!("no"), false),
            (Address, plain(), json!({"city": "Springfield"}), true),
            (Address, plain(), json!({"town": "Springfield"}), false),
            (Address, plain(), json!({"city": 1}), false),
            (Address, plain(), json!({}), false),
        ] {
            assert_eq!(check(&of(kind, rules), &value).is_ok(), fits, "{kind} {value}");
        }
    }

    #[test]
    fn rules_fit_their_kind() {
        let numbers = AttributeRules { min: Some(2.0), max: Some(1.0), ..AttributeRules::default() };
        assert!(check_rules(AttributeKind::Number, &numbers).is_err());
        assert!(check_rules(AttributeKind::Text, &numbers).is_err());
        assert!(check_rules(AttributeKind::Choice, &AttributeRules::default()).is_err());
        let twice = AttributeRules { choices: vec!["S".into(), " S".into()], ..AttributeRules::default() };
        assert!(check_rules(AttributeKind::Choice, &twice).is_err());
        assert!(check_rules(AttributeKind::Date, &AttributeRules::default()).is_ok());
    }
}
