//! The judge, as a table over what BigCommerce documents, and against an oracle that keeps its own books.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn order(status_id: i64, payment_status: &str) -> Order {
    order_with(status_id, payment_status, &json!({}))
}

fn order_with(status_id: i64, payment_status: &str, more: &Value) -> Order {
    let mut raw = json!({"id": 1, "status_id": status_id, "payment_status": payment_status,
        "total_inc_tax": "10.8300", "default_currency_code": "USD"});
    for (name, value) in more.as_object().into_iter().flatten() {
        raw[name] = value.clone();
    }
    Order::parse(raw).expect("an order")
}

fn row(id: u32, event: &str, status: &str, amount: &str) -> Transaction {
    Transaction::parse(json!({"id": id, "event": event, "status": status, "amount": amount}))
        .expect("a transaction")
}

fn paid(id: u32, event: &str, amount: &str) -> Transaction {
    row(id, event, "ok", amount)
}

fn word(judgment: &Judgment) -> &'static str {
    match judgment {
        Judgment::Nothing => "nothing",
        Judgment::Part { .. } => "part",
        Judgment::Whole { kind: "authorization", .. } => "authorized",
        Judgment::Whole { .. } => "whole",
        Judgment::More { .. } => "more",
        Judgment::GivenBack => "given back",
        Judgment::Pending => "pending",
        Judgment::Declined { dead: true } => "dead",
        Judgment::Declined { dead: false } => "declined",
        Judgment::CannotTell { .. } => "cannot tell",
    }
}

fn judged(order: &Order, transactions: &[Transaction]) -> &'static str {
    word(&judge(order, transactions, &[], &Before::default()))
}

#[test]
fn every_documented_status_and_payment_status_without_an_amount() {
    const WORDS: &[&str] = &[
        "",
        "authorized",
        "captured",
        "capture pending",
        "declined",
        "held for review",
        "paid",
        "partially refunded",
        "pending",
        "refunded",
        "void",
        "void pending",
        "something new",
    ];
    // One line for each status, one letter for each word in the order above. Nothing, Whole, Authorized, Pending,
    // Declined and dead (X) or payable (D), Given back, cannot tell (?).
    const TABLE: &[(i64, &str)] = &[
        (0, "N ? ? ? D P ? ? P G G P ?"),
        (1, "N ? ? ? X P ? ? P G G P ?"),
        (2, "? A W W X P W W P G G P ?"),
        (3, "? A W W X P W W P G G P ?"),
        (4, "G ? ? ? X P ? ? P G G P ?"),
        (5, "N ? ? ? X P ? ? P G G P ?"),
        // What a person set proves nothing, as for a cancelled one.
        (6, "N ? ? ? X P ? ? P G G P ?"),
        (7, "N A ? A X P ? ? P G G P ?"),
        (8, "? A W W X P W W P G G P ?"),
        (9, "? A W W X P W W P G G P ?"),
        (10, "? A W W X P W W P G G P ?"),
        (11, "? A W W X P W W P G G P ?"),
        (12, "P ? ? ? X P ? ? P G G P ?"),
        (13, "? ? ? ? X P ? ? P G G P ?"),
        (14, "? ? ? ? X P ? W P G G P ?"),
        (99, "? ? ? ? X P ? ? P G G P ?"),
    ];
    for (status, letters) in TABLE {
        let letters: Vec<&str> = letters.split(' ').collect();
        assert_eq!(letters.len(), WORDS.len(), "{status}");
        for (payment_status, letter) in WORDS.iter().zip(letters) {
            let expected = match letter {
                "N" => "nothing",
                "W" => "whole",
                "A" => "authorized",
                "P" => "pending",
                "D" => "declined",
                "X" => "dead",
                "G" => "given back",
                _ => "cannot tell",
            };
            assert_eq!(judged(&order(*status, payment_status), &[]), expected, "{status} {payment_status:?}");
        }
    }
}

/// Credit that was applied to a cart is taken with the rest. When that was declined, none was.
#[test]
fn an_order_that_was_declined_holds_no_credit_that_was_only_applied() {
    let order = order_with(6, "declined", &json!({"store_credit_amount": "5.00"}));
    let holds = |rows: &[Transaction]| {
        may_hold(&order, rows, &judge(&order, rows, &[], &Before { unlisted: 1, ..Before::default() }))
    };
    let settled = [row(5, "purchase", "error", "5.83"), paid(6, "pending", "5.83")];
    assert!(!holds(&[]));
    assert!(!holds(&settled));
    assert!(holds(&[row(5, "purchase", "error", "5.83"), paid(7, "purchase", "5")]));
}

/// The word of an earlier attempt says nothing of the one that is under way.
#[test]
fn a_word_that_was_there_before_proves_no_decline() {
    let known = ["5".to_owned()];
    let earlier = Before { known: &known, ..Before::default() };
    let unlisted = Before { unlisted: 1, ..Before::default() };
    let old = row(5, "purchase", "error", "10.83");
    let of =
        |order: &Order, rows: &[Transaction], before: Before<'_>| word(&judge(order, rows, &[], &before));
    for status in [0, 6] {
        let order = order(status, "declined");
        assert_eq!(of(&order, &[], Before::default()), if status == 0 { "declined" } else { "dead" });
        assert_eq!(of(&order, std::slice::from_ref(&old), earlier.clone()), "nothing", "{status}");
        assert_eq!(of(&order, &[], unlisted.clone()), "nothing", "{status}");
        let both = [old.clone(), row(6, "purchase", "error", "10.83")];
        let listed = of(&order, &both, earlier.clone());
        assert_eq!(listed, if status == 0 { "declined" } else { "dead" });
    }
}

#[test]
fn what_is_paid_is_what_adds_up() {
    let all = "10.83";
    for (status, words, rows, expected) in [
        (11, "captured", vec![paid(5, "purchase", all)], "whole"),
        (0, "", vec![paid(5, "purchase", "10.8300")], "whole"),
        (7, "authorized", vec![paid(5, "authorization", all)], "authorized"),
        (11, "captured", vec![paid(5, "authorization", all), paid(6, "capture", all)], "authorized"),
        // The authorization is listed late.
        (11, "captured", vec![paid(6, "capture", all)], "authorized"),
        (1, "", vec![paid(5, "purchase", "5")], "part"),
        (0, "", vec![paid(5, "purchase", "5")], "part"),
        (1, "", vec![paid(5, "purchase", "5"), paid(6, "purchase", "5.83")], "whole"),
        (1, "", vec![paid(5, "purchase", "5"), paid(6, "purchase", "5.82")], "part"),
        (11, "captured", vec![paid(5, "purchase", all), paid(6, "purchase", all)], "more"),
        (11, "captured", vec![paid(5, "purchase", "5"), paid(6, "purchase", all)], "more"),
        // The same row twice is one payment.
        (11, "captured", vec![paid(5, "purchase", all), paid(5, "purchase", all)], "whole"),
        // The words say that all is paid, and the amounts do not.
        (11, "captured", vec![paid(5, "purchase", "5")], "cannot tell"),
        (5, "void", vec![paid(5, "authorization", all), paid(6, "void", all)], "given back"),
        (7, "authorized", vec![paid(5, "authorization", all), paid(6, "void", all)], "given back"),
        (7, "void", vec![paid(5, "authorization", all)], "given back"),
        (7, "void pending", vec![paid(5, "authorization", all)], "pending"),
        (7, "authorized", vec![paid(5, "authorization", all), row(6, "void", "error", all)], "authorized"),
        (7, "authorized", vec![paid(6, "void", all)], "cannot tell"),
        (4, "refunded", vec![paid(5, "purchase", all), paid(6, "refund", all)], "given back"),
        (4, "refunded", vec![paid(5, "purchase", all)], "given back"),
        (4, "captured", vec![paid(5, "purchase", all)], "cannot tell"),
        (4, "", vec![paid(5, "purchase", all)], "cannot tell"),
        (4, "", vec![paid(5, "purchase", "5")], "part"),
        (14, "partially refunded", vec![paid(5, "purchase", all), paid(6, "refund", "4")], "whole"),
        // Paid twice, and one of them was given back.
        (
            11,
            "partially refunded",
            vec![paid(5, "purchase", all), paid(6, "purchase", all), paid(7, "refund", all)],
            "whole",
        ),
        (1, "pending", vec![paid(5, "pending", all)], "pending"),
        (11, "captured", vec![paid(5, "pending", all), paid(6, "purchase", all)], "whole"),
        (11, "captured", vec![paid(5, "pending", all), paid(6, "settled", all)], "whole"),
        (11, "captured", vec![paid(5, "purchase", all), paid(6, "settled", all)], "whole"),
        (0, "", vec![paid(5, "pending", all), row(6, "purchase", "error", all)], "declined"),
        (6, "declined", vec![paid(5, "pending", all)], "dead"),
        (0, "", vec![row(5, "purchase", "error", all)], "declined"),
        (0, "", vec![row(5, "purchase", "error", all), paid(6, "purchase", all)], "whole"),
        (0, "", vec![row(5, "purchase", "odd", all)], "cannot tell"),
        (0, "", vec![paid(5, "something new", all)], "cannot tell"),
        (0, "", vec![paid(5, "purchase", "much")], "cannot tell"),
        (0, "", vec![paid(5, "purchase", "-10.83")], "cannot tell"),
        (0, "", vec![paid(5, "purchase", "79228162514264337593543950335")], "cannot tell"),
    ] {
        assert_eq!(judged(&order(status, words), &rows), expected, "{status} {words:?} {rows:#?}");
    }
}

#[test]
fn store_credit_and_certificates_are_money_too_and_count_once() {
    let by = |id: u32, method: &str, amount: &str| {
        let raw = json!({"id": id, "event": "purchase", "status": "ok", "amount": amount, "method": method});
        Transaction::parse(raw).expect("a transaction")
    };
    let certificate = json!({"gift_certificate_amount": "5.0000"});
    let both = json!({"gift_certificate_amount": "5.0000", "store_credit_amount": "5.8300"});
    for (more, rows, expected) in [
        (certificate.clone(), vec![], "part"),
        (certificate.clone(), vec![by(5, "gift_certificate", "5")], "part"),
        (certificate.clone(), vec![by(5, "gift_certificate", "5"), by(6, "credit_card", "5.83")], "whole"),
        (certificate, vec![by(6, "credit_card", "5.83")], "whole"),
        (both.clone(), vec![], "whole"),
        (
            both,
            vec![by(5, "gift_certificate", "5"), by(6, "store_credit", "5.83"), by(7, "credit_card", "1")],
            "more",
        ),
        (json!({}), vec![by(5, "store_credit", "10.83")], "whole"),
    ] {
        assert_eq!(judged(&order_with(1, "", &more), &rows), expected, "{more} {rows:#?}");
    }
}

#[test]
fn a_refund_that_a_provider_declined_gives_nothing_back() {
    let refund = |declined: bool| {
        let raw = json!({"id": 9, "order_id": 1, "total_amount": 10.83, "items": [],
            "payments": [{"amount": 10.83, "is_declined": declined}]});
        vec![Refund::parse(raw).expect("a refund")]
    };
    let rows = [paid(5, "purchase", "10.83")];
    let of = |refunds: &[Refund]| word(&judge(&order(11, "captured"), &rows, refunds, &Before::default()));
    assert_eq!(of(&refund(true)), "whole");
    assert_eq!(of(&refund(false)), "given back");
}

#[test]
fn what_was_there_before_proves_nothing_about_an_attempt() {
    let known = ["5".to_owned()];
    let declines = [row(5, "purchase", "error", "10.83"), row(6, "purchase", "error", "10.83")];
    let of =
        |order: &Order, rows: &[Transaction], before: Before<'_>| word(&judge(order, rows, &[], &before));
    let before = || Before { known: &known, ..Before::default() };
    assert_eq!(of(&order(0, ""), &declines[..1], before()), "nothing");
    assert_eq!(of(&order(0, ""), &declines, before()), "declined");
    let late = || Before { unlisted: 1, ..Before::default() };
    assert_eq!(of(&order(0, ""), &declines[..1], late()), "nothing");
    assert_eq!(of(&order(0, ""), &declines, late()), "declined");
    // A part that was paid before, and a decline of the rest.
    let part = |more: &[Transaction]| [&[paid(5, "purchase", "5")], more].concat();
    let five = || Before { known: &known, paid: Decimal::from(5).into(), ..Before::default() };
    assert_eq!(of(&order(1, ""), &part(&[]), five()), "nothing");
    assert_eq!(of(&order(1, ""), &part(&[row(6, "purchase", "error", "5.83")]), five()), "declined");
    assert_eq!(of(&order(1, ""), &part(&[paid(6, "purchase", "2")]), five()), "part");
    assert_eq!(of(&order(1, ""), &part(&[paid(6, "purchase", "5.83")]), five()), "whole");
    // An authorization that was voided before.
    let voided = [paid(5, "authorization", "10.83"), paid(6, "void", "10.83")];
    let all = ["5".to_owned(), "6".to_owned()];
    assert_eq!(of(&order(0, ""), &voided, Before { known: &all, ..Before::default() }), "nothing");
}

#[test]
fn what_is_left_of_parts_that_are_known_can_be_told() {
    let rows = [paid(5, "purchase", "5"), paid(6, "refund", "2.50")];
    let of = |rows: &[Transaction], parts: i64| {
        let before = Before { parts: Decimal::from(parts).into(), ..Before::default() };
        word(&judge(&order(14, "partially refunded"), rows, &[], &before))
    };
    assert_eq!((of(&rows, 5), of(&rows, 3)), ("part", "part"));
    // More than is known, or nothing is, and what was given back is not listed.
    assert_eq!(
        (of(&rows, 2), of(&rows, 0), of(&rows[..1], 5)),
        ("cannot tell", "cannot tell", "cannot tell")
    );
}

/// What happens to an order, for the oracle.
#[derive(Debug, Clone)]
enum Act {
    Purchase(i64),
    Authorize(i64),
    Capture,
    Void,
    Refund(i64),
    Decline(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (1_i64..1100).prop_map(Act::Purchase),
        (1_i64..1100).prop_map(Act::Authorize),
        Just(Act::Capture),
        Just(Act::Void),
        (1_i64..1100).prop_map(Act::Refund),
        (1_i64..1100).prop_map(Act::Decline),
    ];
    prop::collection::vec(act, 0..8)
}

/// The books of the oracle, in cents: it follows the acts and never reads a row.
#[derive(Debug, Default)]
struct Books {
    taken: i64,
    authorized: Vec<i64>,
    refunded: i64,
    moved: bool,
    rows: Vec<Transaction>,
    /// Rows that take money.
    charges: Vec<usize>,
}

fn play(acts: &[Act]) -> Books {
    let mut books = Books::default();
    let text = |cents: i64| Decimal::new(cents, 2).to_string();
    for act in acts {
        let id = u32::try_from(books.rows.len()).expect("few rows") + 1;
        match act {
            Act::Purchase(cents) => {
                books.taken += cents;
                books.moved = true;
                books.charges.push(books.rows.len());
                books.rows.push(paid(id, "purchase", &text(*cents)));
            }
            Act::Authorize(cents) => {
                books.authorized.push(*cents);
                books.moved = true;
                books.charges.push(books.rows.len());
                books.rows.push(paid(id, "authorization", &text(*cents)));
            }
            Act::Capture => {
                let Some(cents) = books.authorized.pop() else { continue };
                books.taken += cents;
                books.rows.push(paid(id, "capture", &text(cents)));
            }
            Act::Void => {
                let Some(cents) = books.authorized.pop() else { continue };
                books.rows.push(paid(id, "void", &text(cents)));
            }
            Act::Refund(cents) => {
                let cents = (*cents).min(books.taken - books.refunded);
                if cents > 0 {
                    books.refunded += cents;
                    books.rows.push(paid(id, "refund", &text(cents)));
                }
            }
            Act::Decline(cents) => books.rows.push(row(id, "purchase", "error", &text(*cents))),
        }
    }
    books
}

proptest! {
    #![proptest_config(crate::seeded::seeded())]

    #[test]
    fn the_judge_agrees_with_the_books(acts in acts()) {
        let books = play(&acts);
        let held = books.taken + books.authorized.iter().sum::<i64>() - books.refunded;
        let total = 1083;
        let found = judged(&order(1, ""), &books.rows);
        let expected: &[&str] = match held {
            0 if books.moved => &["given back"],
            0 => &["nothing"],
            held if held > total => &["more"],
            held if held == total || held + books.refunded >= total => &["whole", "authorized"],
            _ => &["part"],
        };
        prop_assert!(expected.contains(&found), "{found} instead of {expected:?}: {books:?}");
    }

    #[test]
    fn charges_that_are_listed_late_are_never_made_up(acts in acts(), hidden in any::<u8>()) {
        let charging = |act: &Act| matches!(act, Act::Purchase(_) | Act::Authorize(_) | Act::Decline(_));
        let acts: Vec<Act> = acts.into_iter().filter(charging).collect();
        let books = play(&acts);
        let held = books.taken + books.authorized.iter().sum::<i64>();
        let shown: Vec<Transaction> = books.rows.iter().enumerate()
            .filter(|(at, _)| !(books.charges.contains(at) && hidden & (1 << (at % 8)) != 0))
            .map(|(_, row)| row.clone())
            .collect();
        let account = Account::of(&order(1, ""), &shown, &[]);
        prop_assert!(account.held() <= Decimal::new(held, 2));
        let found = judged(&order(1, ""), &shown);
        if held < 1083 {
            prop_assert!(!matches!(found, "whole" | "authorized" | "more"), "{found}: {books:?}");
        }
        // A hidden charge is never called a thing that was given back.
        prop_assert_ne!(found, "given back");
    }

    #[test]
    fn no_document_panics(
        status in -1_i64..16, words in "[a-z ]{0,12}", total in any::<i64>(), scale in 0_u32..20,
        rows in prop::collection::vec(("purchase|authorization|capture|void|refund|pending|settled|x", "ok|error|", any::<[u8; 16]>()), 0..6),
    ) {
        let total = Decimal::new(total, scale).to_string();
        let order = order_with(status, &words, &json!({"total_inc_tax": total, "store_credit_amount": total, "refunded_amount": total}));
        let rows: Vec<Transaction> = rows.into_iter().enumerate().map(|(at, (event, ok, amount))| {
            row(u32::try_from(at).expect("few"), &event, &ok, &Decimal::deserialize(amount).to_string())
        }).collect();
        let _ = judge(&order, &rows, &[], &Before { paid: Decimal::new(1, 0).into(), ..Before::default() });
    }
}
