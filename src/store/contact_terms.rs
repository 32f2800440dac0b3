//! The search index of contacts: names from each word on, handles, and phone numbers from both ends. Terms are
//! normalised (lower case, no diacritics) and compared as bytes, so that a prefix is an index range on both engines.

use uuid::Uuid;

use super::value::Arg;
use super::{StoreError, Tx, accounts, contact_words};
use crate::args;
use crate::model::Contact;
use crate::search::fold::fold;
use crate::search::number::{TypedNumber, digits, from_end};
use crate::search::phone;

const PUT: &str = "insert into contact_terms (tenant, term, contact) values ($1, $2, $3) \
    on conflict (tenant, term, contact) do nothing";
const FORGET: &str = "delete from contact_terms where tenant = $1 and contact = $2";
const FIND: &str = "select contact from contact_terms where tenant = $1 and term >= $2 and term < $3 \
    order by term, contact limit $4";
const NEWEST: &str = "select c.tenant, c.id, h.company from conversations c \
    join channels h on h.tenant = c.tenant and h.id = c.channel where c.tenant = $1 and c.contact = $2 order by c.id desc limit 1";
const CONTACT: &str = "select id, name, handle, user_name, opted_out_at, merged_into, has_merged, labels, blocked_at \
    from contacts where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[PUT, FORGET, FIND, NEWEST, CONTACT];

/// The most bytes of a term.
const TERM: usize = 60;
/// The most words of a name from which terms are made.
const WORDS: usize = 6;
/// Digits of a number without the zeros before it.
const DIGITS: usize = 3;
/// Hits of one word that are checked for the other words and for the caller's permissions.
const LOOKED_AT: i64 = 300;
const LOOKED_AT_MOST: i64 = 3_000;
/// Prefix of terms with reversed digits; no normalised text begins with it.
const FROM_END: char = '\u{1}';

/// Updates the search terms of a contact. `known`: it may have terms already.
pub async fn note(tx: &mut Tx<'_>, tenant: Uuid, contact: &Contact, known: bool) -> Result<(), StoreError> {
    if known {
        tx.put(FORGET, args![tenant, contact.id]).await?;
    }
    for term in terms(contact) {
        tx.put(PUT, args![tenant, term.as_bytes(), contact.id]).await?;
    }
    Ok(())
}

/// Contacts of a tenant whose name, handle or number begins with (or, for a number, ends with) the query, each with
/// its newest conversation if the caller may see that conversation's company. Several words must all match.
pub async fn find(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    typed: &str,
    limit: usize,
    companies: Option<&[Uuid]>,
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let whole = fold(typed);
    let words: Vec<&str> = whole.split(' ').filter(|word| !word.is_empty()).collect();
    let Some(longest) = words.iter().copied().max_by_key(|word| word.len()) else { return Ok(Vec::new()) };
    let homes = if TypedNumber::read(typed, DIGITS).is_some() {
        accounts::countries(tx, tenant).await?
    } else {
        Vec::new()
    };
    let numbers = numbers(typed, &homes);
    let is_number = !numbers.is_empty();
    let mut prefixes = numbers;
    if !is_number {
        prefixes.push(whole.clone());
        if words.len() > 1 {
            prefixes.push(longest.to_owned());
        }
    }
    // A caller with access to some companies only may need more hits than are shown.
    let most = if companies.is_some() { LOOKED_AT_MOST } else { LOOKED_AT };
    let mut hits = Vec::new();
    for prefix in &prefixes {
        let (low, high) = range(prefix);
        let found: Vec<(Uuid,)> = tx.all(FIND, args![tenant, &low, &high, most]).await?;
        hits.extend(found.into_iter().map(|(id,)| id));
    }
    let mut seen = std::collections::HashSet::new();
    hits.retain(|id| seen.insert(*id));
    // What is found by anything else must have all words, wherever they stand.
    let (low, high) = range(longest);
    let besides = contact_words::find(tx, tenant, typed, (&low, &high), most).await?;
    let by_terms = hits.len();
    hits.extend(besides.into_iter().filter(|id| seen.insert(*id)));
    let by_terms: std::collections::HashSet<Uuid> = hits[..by_terms].iter().copied().collect();
    let mut found = Vec::new();
    for some in hits.chunks(limit.max(50)) {
        let asked: Vec<_> = some.iter().map(|id| vec![Arg::from(tenant), Arg::from(*id)]).collect();
        let contacts: Vec<Vec<Contact>> = tx.each(CONTACT, &asked).await?;
        let contacts: Vec<&Contact> = contacts.iter().flatten().collect();
        let named = |one: &Contact| (is_number && by_terms.contains(&one.id)) || has_all(one, &words, &[]);
        let others: Vec<&Contact> = contacts.iter().copied().filter(|one| !named(one)).collect();
        let besides = contact_words::besides(tx, tenant, &others, typed).await?;
        let fit: std::collections::HashSet<Uuid> = others
            .iter()
            .zip(&besides)
            .filter(|(one, besides)| besides.has_id || has_all(one, &words, &besides.words))
            .map(|(one, _)| one.id)
            .collect();
        let fits = |one: &&&Contact| named(one) || fit.contains(&one.id);
        let asked: Vec<_> =
            contacts.iter().filter(fits).map(|one| vec![Arg::from(tenant), Arg::from(one.id)]).collect();
        let newest: Vec<Vec<(Uuid, Uuid, Uuid)>> = tx.each(NEWEST, &asked).await?;
        let sees = |company: &Uuid| companies.is_none_or(|list| list.contains(company));
        found.extend(
            newest
                .into_iter()
                .flatten()
                .filter(|(.., company)| sees(company))
                .map(|(tenant, id, _)| (tenant, id)),
        );
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// If the query is a phone number, the beginnings of terms of which a contact must have one.
/// `homes`: the countries of the companies.
fn numbers(typed: &str, homes: &[String]) -> Vec<String> {
    let Some(TypedNumber { begins, ends }) = TypedNumber::read(typed, DIGITS) else { return Vec::new() };
    let ends = ends.iter().map(|digits| from_end(FROM_END, digits));
    // A whole number is also found under the spellings that the provider's ids may have, and one that is written as at home
    // under those of the companies' countries.
    let homes = homes.iter().map(|letters| phone::country(letters)).chain([None]);
    let keys = homes.flat_map(|home| phone::same_person_keys(typed, home));
    let mut found: Vec<String> = begins.into_iter().chain(keys).chain(ends).collect();
    let mut seen = std::collections::HashSet::new();
    found.retain(|one| seen.insert(one.clone()));
    found
}

/// Whether the contact has all words, in its names or besides.
fn has_all(contact: &Contact, words: &[&str], besides: &[String]) -> bool {
    let said = [&contact.name, &contact.handle, &contact.user_name];
    let text = said.into_iter().filter_map(Option::as_deref).map(fold);
    let have: Vec<String> =
        text.flat_map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
    words.iter().all(|word| have.iter().chain(besides).any(|one| one.starts_with(word)))
}

fn terms(contact: &Contact) -> Vec<String> {
    let mut terms = Vec::new();
    let said = [&contact.name, &contact.handle, &contact.user_name];
    for text in said.into_iter().filter_map(Option::as_deref) {
        let folded = fold(text);
        let mut rest = folded.as_str();
        for _ in 0..WORDS {
            if rest.is_empty() {
                break;
            }
            terms.push(cut(rest).to_owned());
            let Some((_, after)) = rest.split_once(' ') else { break };
            rest = after;
        }
        let digits = digits(text);
        if digits.len() >= 5 {
            terms.push(from_end(FROM_END, &digits));
            terms.push(digits);
        }
    }
    terms.sort();
    terms.dedup();
    terms
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TERM);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The byte range of all texts that begin with the prefix.
fn range(prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let low = cut(prefix).as_bytes().to_vec();
    let mut high = low.clone();
    // UTF-8 has no byte 0xff, so the last byte can always be incremented.
    if let Some(last) = high.last_mut() {
        *last += 1;
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(name: &str, handle: &str) -> Contact {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Contact { name: some(name), handle: some(handle), ..Contact::default() }
    }

    #[test]
    fn a_user_name_is_found_beside_a_number() {
        let mut ana = contact("Ana", "15550100123");
        ana.user_name = Some("ana_example".into());
        let found = terms(&ana);
        for typed in ["@ana_example", "ana_example", "ANA_ex"] {
            assert!(found.iter().any(|term| term.starts_with(&fold(typed))), "{typed}: {found:?}");
            let words: Vec<String> = fold(typed).split(' ').map(str::to_owned).collect();
            assert!(has_all(&ana, &words.iter().map(String::as_str).collect::<Vec<_>>(), &[]), "{typed}");
        }
        assert!(found.contains(&"15550100123".to_owned()));
    }

    #[test]
    fn text_is_compared_without_case_marks_and_punctuation() {
        for (typed, folded) in [
            ("  Renée  Ångström ", "renee angstrom"),
            ("Ёлкина-Йовович", "елкина иовович"),
            ("@mira_k", "mira k"),
            ("ﬁne", "fine"),
            ("Łukasz Straße", "lukasz strasse"),
            ("O’Brien", "obrien"),
            ("…", ""),
        ] {
            assert_eq!(fold(typed), folded);
        }
    }

    #[test]
    fn a_name_is_found_from_each_of_its_words_on() {
        let found = terms(&contact("Ana María López", ""));
        assert_eq!(found, ["ana maria lopez", "lopez", "maria lopez"]);
    }

    #[test]
    fn a_number_is_found_from_both_ends() {
        let found = terms(&contact("", "+1 555 010-4477"));
        assert!(
            found.contains(&"15550104477".to_owned()) && found.contains(&from_end(FROM_END, "15550104477"))
        );
        assert!(from_end(FROM_END, "15550104477").starts_with(&from_end(FROM_END, "4477")));
    }

    #[test]
    fn a_number_is_found_whatever_signs_and_digits_it_is_typed_or_stored_with() {
        for stored in ["+1 555 010-4477", "\u{202a}+1\u{a0}(555)\u{a0}010-4477\u{202c}", "۱۵۵۵۰۱۰۴۴۷۷"]
        {
            let terms = terms(&contact("", stored));
            for typed in ["15550104477", "\u{202a}+1 555\u{202f}010 4477\u{202c}", "١٥٥٥٠١٠", "4477", "٤٤٧٧"]
            {
                let hit =
                    numbers(typed, &[]).iter().any(|one| terms.iter().any(|term| term.starts_with(one)));
                assert!(hit, "{typed:?} in {stored:?}: {terms:?}");
            }
        }
        assert!(numbers("4477 Shop", &[]).is_empty());
    }

    #[test]
    fn a_number_is_found_under_the_spelling_of_the_providers_id() {
        for (stored, typed) in [
            ("555181234567", "+55 51 98123-4567"),
            ("5215512345678", "+52 55 1234 5678"),
            ("5491123456789", "+54 11 15 2345 6789"),
        ] {
            let terms = terms(&contact("", stored));
            let hit = numbers(typed, &[]).iter().any(|one| terms.iter().any(|term| term.starts_with(one)));
            assert!(hit, "{typed:?} in {stored:?}: {:?}", numbers(typed, &[]));
        }
    }

    #[test]
    fn a_range_holds_what_begins_alike_and_nothing_else() {
        let (low, high) = range("ми");
        for (text, inside) in [("мира", true), ("ми", true), ("мк", false), ("м", false), ("mi", false)]
        {
            let bytes = text.as_bytes();
            assert_eq!(bytes >= low.as_slice() && bytes < high.as_slice(), inside, "{text}");
        }
    }
}
