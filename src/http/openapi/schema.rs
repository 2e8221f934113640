//! Schemas of requests for `openapi.yaml`, from the shapes that bodies are checked by.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::extensions::{Extensions, ExtensionsBuilder};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, SchemaFormat};

use crate::http::request::shape::{Field, Like, Object, Shape};
use crate::schema::{typed, words_of};

/// The schemas of a document by their names.
pub(crate) type Named = BTreeMap<String, RefOr<Schema>>;

impl Shape {
    /// The schema of this shape; the objects that it refers to are put into `named`.
    pub(crate) fn schema(&self, named: &mut Named) -> RefOr<Schema> {
        match self {
            Self::Text { min, max, like } => text(*min, *max, *like).into(),
            Self::Integer { min, max } => typed(Type::Integer).minimum(Some(*min)).maximum(Some(*max)).into(),
            Self::Amount { min, max, .. } => {
                typed(Type::Number).minimum(Some(*min)).maximum(Some(*max)).into()
            }
            Self::LooseAmount { max } => OneOfBuilder::new()
                .item(typed(Type::Number).minimum(Some(0)).maximum(Some(*max)))
                .item(typed(Type::String).pattern(Some("^[0-9]+(\\.[0-9]{1,4})?$")))
                .into(),
            Self::Flag => typed(Type::Boolean).into(),
            Self::Word(words) => words_of(words).into(),
            Self::List { of, min, max } => {
                ArrayBuilder::new().items(of.schema(named)).min_items(Some(*min)).max_items(Some(*max)).into()
            }
            Self::Notes { entries, characters } => typed(Type::Object)
                .additional_properties(Some(AdditionalProperties::RefOr(
                    typed(Type::String).max_length(Some(*characters)).into(),
                )))
                .max_properties(Some(*entries))
                .into(),
            Self::Object(object) => object.reference(named),
            Self::Choice { words, object } => {
                OneOfBuilder::new().item(words_of(words)).item(object.reference(named)).into()
            }
            Self::Tagged { name, objects } => {
                let mut one_of = OneOfBuilder::new();
                for (_, object) in *objects {
                    one_of = one_of.item(object.reference(named));
                }
                named.insert((*name).to_owned(), one_of.into());
                Ref::from_schema_name(*name).into()
            }
        }
    }
}

impl Object {
    /// A reference to it among the schemas of a document.
    pub(crate) fn reference(&self, named: &mut Named) -> RefOr<Schema> {
        if !named.contains_key(self.name) {
            let schema = self.schema(named);
            named.insert(self.name.to_owned(), schema.into());
        }
        Ref::from_schema_name(self.name).into()
    }

    /// The schema itself.
    pub(crate) fn inline(&self, named: &mut Named) -> RefOr<Schema> {
        self.schema(named).into()
    }

    fn schema(&self, named: &mut Named) -> Schema {
        let mut object = typed(Type::Object)
            .description(Some(self.about))
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        for field in self.fields {
            let plain = field.shape.schema(named);
            let schema = if field.required { plain } else { or_null(plain) };
            object = object.property(field.name, described(schema, field));
            if field.required {
                object = object.required(field.name);
            }
        }
        object.into()
    }
}

fn described(schema: RefOr<Schema>, field: &Field) -> RefOr<Schema> {
    let sentence = match field.trust.word() {
        Some("server-key") => "Accepted with a server key only.",
        Some(_) => "For a verified customer.",
        None => "",
    };
    let about = [field.about, sentence].map(str::trim).join(" ").trim().to_owned();
    if about.is_empty() {
        return schema;
    }
    match schema {
        RefOr::Ref(mut reference) => {
            reference.description = about;
            reference.into()
        }
        RefOr::T(mut schema) => {
            let trust = trusted(field);
            match &mut schema {
                Schema::Object(object) => (object.description, object.extensions) = (Some(about), trust),
                Schema::Array(array) => (array.description, array.extensions) = (Some(about), trust),
                Schema::OneOf(one) => (one.description, one.extensions) = (Some(about), trust),
                _ => {}
            }
            schema.into()
        }
    }
}

/// Whose word is taken for it.
fn trusted(field: &Field) -> Option<Extensions> {
    field.trust.word().map(|word| ExtensionsBuilder::new().add("x-trust", word).build())
}

/// Null is the same as leaving a field out.
fn or_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Type(plain) = &object.schema_type {
                object.schema_type = SchemaType::from_iter([plain.clone(), Type::Null]);
            }
            if let Some(words) = object.enum_values.as_mut() {
                words.push(Value::Null);
            }
            Schema::Object(object).into()
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
            Schema::Array(array).into()
        }
        other => OneOfBuilder::new().item(typed(Type::Null)).item(other).into(),
    }
}

fn text(min: usize, max: usize, like: Like) -> ObjectBuilder {
    let text = typed(Type::String).min_length(Some(min)).max_length(Some(max));
    match like {
        Like::Email => text.format(Some(SchemaFormat::Custom("email".to_owned()))),
        Like::Instant => text.format(Some(SchemaFormat::Custom("date-time".to_owned()))),
        Like::Url => text.format(Some(SchemaFormat::Custom("uri".to_owned()))),
        Like::Country | Like::Currency => text.pattern(Some("^[A-Za-z]+$")),
        Like::Locale => text.pattern(Some("^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?$")),
        Like::Line | Like::Lines | Like::Plain => text,
    }
}
