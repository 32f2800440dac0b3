//! The table of numbers: as typed, where, what they become, and what WhatsApp calls them.

use super::*;

/// Typed, the country of the company (empty: none), E.164 (empty: no number).
const TABLE: &[(&str, &str, &str)] = &[
    // Brazil: eleven digits for mobiles everywhere, eight for fixed lines.
    ("11 98765-4321", "BR", "+5511987654321"),
    ("(011) 98765-4321", "BR", "+5511987654321"),
    ("11 8765-4321", "BR", "+5511987654321"),
    ("+55 51 8123-4567", "", "+5551981234567"),
    ("555181234567", "", "+5551981234567"),
    ("551187654321@c.us", "", "+5511987654321"),
    ("11 3456-7890", "BR", "+551134567890"),
    ("+55 11 3456 7890", "", "+551134567890"),
    ("021 21 99876-5432", "BR", "+5521998765432"),
    // Mexico: the 1 of mobiles is gone, and so are 044 and 045.
    ("+52 1 55 1234 5678", "", "+525512345678"),
    ("5215512345678@s.whatsapp.net", "", "+525512345678"),
    ("044 55 1234 5678", "MX", "+525512345678"),
    ("045 55 1234 5678", "MX", "+525512345678"),
    ("01 55 1234 5678", "MX", "+525512345678"),
    ("55 1234 5678", "MX", "+525512345678"),
    ("0052 55 1234 5678", "DE", "+525512345678"),
    // Argentina: 15 at home is 9 abroad.
    ("011 15 2345-6789", "AR", "+5491123456789"),
    ("11 15 2345-6789", "AR", "+5491123456789"),
    ("0343 15 555 1212", "AR", "+5493435551212"),
    ("+54 9 11 2345 6789", "", "+5491123456789"),
    ("+54 11 15 2345 6789", "", "+5491123456789"),
    ("+54 11 2345 6789", "", "+541123456789"),
    ("5491123456789@c.us", "", "+5491123456789"),
    // Italy: the zero is a part of fixed numbers.
    ("06 1234 5678", "IT", "+390612345678"),
    ("+39 02 1234 5678", "", "+390212345678"),
    ("333 123 4567", "IT", "+393331234567"),
    // Russia and Kazakhstan: 8 at home, one country code.
    ("8 (916) 123-45-67", "RU", "+79161234567"),
    ("+7 916 123 45 67", "", "+79161234567"),
    ("9161234567", "RU", "+79161234567"),
    ("79161234567", "RU", "+79161234567"),
    ("8 701 123 45 67", "KZ", "+77011234567"),
    ("+7 701 123 4567", "RU", "+77011234567"),
    // North America: one code for many countries.
    ("(212) 555-0123", "US", "+12125550123"),
    ("1-212-555-0123", "US", "+12125550123"),
    ("011 44 20 7946 0958", "US", "+442079460958"),
    ("416-555-0123", "CA", "+14165550123"),
    ("809 220 1111", "DO", "+18092201111"),
    // Europe.
    ("020 7946 0958", "GB", "+442079460958"),
    ("+44 (0)20 7946 0958", "", "+442079460958"),
    ("07700 900123", "GB", "+447700900123"),
    ("0151 23456789", "DE", "+4915123456789"),
    ("030 123456", "DE", "+4930123456"),
    ("+49 (0) 151 23456789", "", "+4915123456789"),
    ("06 12 34 56 78", "FR", "+33612345678"),
    ("+33 (0)6 12 34 56 78", "", "+33612345678"),
    ("050 123 45 67", "UA", "+380501234567"),
    ("+38 050 123 45 67", "", "+380501234567"),
    ("512 345 678", "PL", "+48512345678"),
    ("0048 512 345 678", "UA", "+48512345678"),
    ("612 34 56 78", "ES", "+34612345678"),
    ("0532 123 45 67", "TR", "+905321234567"),
    // Asia, Africa, Australia.
    ("098765 43210", "IN", "+919876543210"),
    ("+91 98765 43210", "", "+919876543210"),
    ("0812-3456-7890", "ID", "+6281234567890"),
    ("62 812 3456 7890", "ID", "+6281234567890"),
    ("0803 123 4567", "NG", "+2348031234567"),
    ("0412 345 678", "AU", "+61412345678"),
    ("0011 44 20 7946 0958", "AU", "+442079460958"),
    ("090-1234-5678", "JP", "+819012345678"),
    ("082 123 4567", "ZA", "+27821234567"),
    // However it is written.
    ("tel:+12125550123", "", "+12125550123"),
    ("\u{202a}+44\u{a0}20\u{202f}7946 0958\u{202c}", "", "+442079460958"),
    ("+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨", "", "+442079460958"),
    ("＋８１ ９０ １２３４ ５６７８", "", "+819012345678"),
    // No numbers.
    ("911", "US", ""),
    ("112", "DE", ""),
    ("32665", "US", ""),
    ("187654321098765@lid", "", ""),
    ("120363000000000000@g.us", "", ""),
    ("020 7946 0958", "", ""),
    ("@ana_example", "US", ""),
    ("Room 12125550123", "US", ""),
    ("+12 34", "", ""),
    ("+123456789012345678", "", ""),
    ("ana@example.com", "US", ""),
    ("", "US", ""),
];

#[test]
fn numbers_have_one_form() {
    let mut wrong = Vec::new();
    let mut countries: Vec<&str> = Vec::new();
    for (typed, home, expected) in TABLE {
        let home_id = country(home);
        assert_eq!(home_id.is_some(), !home.is_empty(), "{home}");
        countries.extend(Some(*home).filter(|home| !home.is_empty()));
        let found = normalise(typed, home_id).map(|phone| phone.to_string()).unwrap_or_default();
        if found != *expected {
            wrong.push(format!("{typed:?} in {home:?} is {found:?}, not {expected:?}"));
        }
        // A form is its own form.
        if let Some(phone) = normalise(typed, home_id) {
            assert_eq!(normalise(&phone.to_string(), None).as_ref(), Some(&phone), "{typed:?}");
        }
    }
    countries.sort_unstable();
    countries.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(TABLE.len() >= 60 && countries.len() >= 20, "{} in {countries:?}", TABLE.len());
}

#[test]
fn one_person_has_one_key_however_whatsapp_spells_the_number() {
    for (typed, home, whatsapp) in [
        // The ninth digit stands in the ids of the areas that had it first.
        ("+55 11 98765-4321", "", "5511987654321"),
        ("+55 28 98765-4321", "", "5528987654321"),
        ("+55 51 98123-4567", "", "555181234567"),
        ("81 98123-4567", "BR", "558181234567"),
        ("+55 11 3456-7890", "", "551134567890"),
        ("+52 55 1234 5678", "", "5215512345678"),
        ("011 15 2345-6789", "AR", "5491123456789"),
        ("+44 20 7946 0958", "", "442079460958"),
        ("+39 06 1234 5678", "", "390612345678"),
    ] {
        let phone = normalise(typed, country(home)).expect(typed);
        assert_eq!(phone.whatsapp(), whatsapp, "{typed}");
        let id = Phone::of_provider(whatsapp).expect(whatsapp);
        assert_eq!(id, phone, "the id is the number: {typed}");
        assert!(phone.keys().contains(&whatsapp.to_owned()), "{typed}");
        assert!(is_same(&id, &phone) && same_person_keys(typed, country(home)) == phone.keys());
    }
    // Without its 9 an Argentine number may be a fixed one: it may be the same, and has another form.
    let (fixed, mobile) =
        (normalise("+54 11 2345 6789", None).expect("a"), normalise("+54 9 11 2345 6789", None).expect("b"));
    assert!(fixed != mobile && is_same(&fixed, &mobile));
    let other = normalise("+54 9 11 2345 6780", None).expect("c");
    assert!(!is_same(&other, &mobile));
}

#[test]
fn any_text_is_survived() {
    proptest::proptest!(|(text in "\\PC{0,40}", digits in "[+0-9 ()-]{0,24}")| {
        for home in [None, country("BR"), country("AR"), country("MX"), country("US"), country("IT"), country("DE")] {
            let _ = normalise(&text, home).map(|phone| phone.keys());
            let _ = normalise(&digits, home).map(|phone| (phone.whatsapp(), phone.keys()));
        }
    });
}
