//! Each problem by its code, for the reference: `oneOf` them is what an answer with a status holds.

use utoipa::openapi::schema::{AllOfBuilder, Discriminator, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};

use crate::http::problem::catalog::Slug;
use crate::schema::{typed, words_of};

/// The members that a problem always has beside those that all have.
fn members(slug: Slug) -> &'static [&'static str] {
    match slug {
        Slug::InvalidInput => &["errors"],
        Slug::StepOutOfOrder | Slug::NotDeliverable => &["next_step"],
        Slug::TotalChanged => &["agreed_total", "grand_total"],
        Slug::Rejected | Slug::MethodUnavailable => &["upstream"],
        Slug::PaymentDeclined => &["decline"],
        Slug::ServiceUnavailable => &["may_be_recorded"],
        Slug::VersionMismatch => &["version"],
        Slug::Guarded => &["guard"],
        Slug::Contradicted => &["guard", "evidence"],
        _ => &[],
    }
}

/// The name of its schema, such as `StepOutOfOrderProblem`.
fn name(slug: Slug) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_ascii_uppercase() + rest
    };
    slug.entry().slug.split('-').map(word).collect::<String>() + "Problem"
}

/// The schema of each problem, by its name.
pub(crate) fn schemas() -> impl Iterator<Item = (String, RefOr<Schema>)> {
    Slug::ALL.iter().map(|slug| {
        let entry = slug.entry();
        let own = typed(Type::Object).property("code", words_of(&[entry.slug])).required("code");
        let own = members(*slug).iter().fold(own, |own, member| own.required(*member));
        let problem = AllOfBuilder::new()
            .description(Some(entry.meaning))
            .item(Ref::from_schema_name("Problem"))
            .item(own);
        (name(*slug), problem.into())
    })
}

/// The problems of one status, told apart by `code`.
pub(crate) fn of_status(status: u16) -> RefOr<Schema> {
    let slugs = Slug::ALL.iter().copied().filter(|slug| slug.entry().status == status);
    let (mut one_of, mut by_code) = (OneOfBuilder::new(), Vec::new());
    for slug in slugs {
        let reference = Ref::from_schema_name(name(slug));
        by_code.push((slug.entry().slug.to_owned(), reference.ref_location.clone()));
        one_of = one_of.item(reference);
    }
    one_of.discriminator(Some(Discriminator::with_mapping("code", by_code))).into()
}
