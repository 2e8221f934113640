//! What of a document of BigCommerce is described: the fields that can be relied on.

use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema};

use crate::schema::{typed, words_of_or_null};

/// What is described of a document.
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) fields: &'static [(&'static str, Kind, &'static str)],
}

/// What a field holds.
pub(crate) enum Kind {
    /// An id, which some documents write as text. It is always there.
    Id,
    /// An amount in the currency of its cart or order: text in V2, a number in V3.
    Amount,
    /// A count or a number that names something: text in some documents.
    Number,
    /// Text that is never null.
    Name,
    /// Text, or nothing.
    Text,
    /// Yes or no, or nothing.
    Flag,
    /// One of these words, or nothing.
    Word(&'static [&'static str]),
    /// Texts. They are always there.
    Texts,
    /// A document, or nothing.
    One(&'static Described),
    /// A document or null. It is always there.
    OneOrNull(&'static Described),
    /// Documents. They are always there.
    All(&'static Described),
    /// Documents, or nothing.
    List(&'static Described),
    /// Lists of documents, or nothing.
    Lists(&'static Described),
}

impl Described {
    /// A reference to its schema.
    pub(crate) fn reference(&self) -> RefOr<Schema> {
        Ref::from_schema_name(self.name).into()
    }

    /// Its schema.
    pub(crate) fn schema(&self) -> RefOr<Schema> {
        let mut object = typed(Type::Object).description(Some(self.about));
        for (name, kind, about) in self.fields {
            object = object.property(*name, kind.schema(about));
            if kind.is_always_there() {
                object = object.required(*name);
            }
        }
        object.into()
    }

    /// The documents inside of it.
    pub(crate) fn parts(&self, schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for (_, kind, _) in self.fields {
            if let Kind::One(part)
            | Kind::OneOrNull(part)
            | Kind::All(part)
            | Kind::List(part)
            | Kind::Lists(part) = kind
            {
                schemas.push((part.name.to_owned(), part.schema()));
                part.parts(schemas);
            }
        }
    }
}

impl Kind {
    fn is_always_there(&self) -> bool {
        matches!(self, Self::Id | Self::Texts | Self::OneOrNull(_) | Self::All(_))
    }

    fn schema(&self, about: &str) -> RefOr<Schema> {
        let about = match (self, about) {
            (Self::Amount, "") => Some("In the currency of the cart or order."),
            (_, "") => None,
            _ => Some(about),
        };
        let one_of = |types: &[Type]| {
            let types = types.iter().cloned().collect::<SchemaType>();
            ObjectBuilder::new().schema_type(types).description(about).into()
        };
        let list = |items: RefOr<Schema>| {
            let types = SchemaType::from_iter([Type::Array, Type::Null]);
            ArrayBuilder::new().schema_type(types).items(items).description(about).into()
        };
        match self {
            Self::Id => one_of(&[Type::Integer, Type::String]),
            Self::Amount | Self::Number => one_of(&[Type::String, Type::Number, Type::Null]),
            Self::Name => one_of(&[Type::String]),
            Self::Text => one_of(&[Type::String, Type::Null]),
            Self::Flag => one_of(&[Type::Boolean, Type::Null]),
            Self::Word(words) => words_of_or_null(words).description(about).into(),
            Self::Texts => ArrayBuilder::new().items(typed(Type::String)).description(about).into(),
            Self::All(of) => ArrayBuilder::new().items(of.reference()).description(about).into(),
            Self::One(of) | Self::OneOrNull(of) => {
                OneOfBuilder::new().item(typed(Type::Null)).item(of.reference()).description(about).into()
            }
            Self::List(of) => list(of.reference()),
            Self::Lists(of) => list(ArrayBuilder::new().items(of.reference()).into()),
        }
    }
}
