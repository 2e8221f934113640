//! Metafields of carts and orders: a note is made once; a second with the same namespace and key is a 409.

use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, text};
use crate::clock::iso;
use crate::store::Metafield;

const PERMISSIONS: [&str; 5] = ["app_only", "read", "write", "read_and_sf_access", "write_and_sf_access"];

/// `GET /v3/carts/{id}/metafields`
pub(crate) fn list_cart(visit: &mut Visit<'_>) -> Reply {
    Ok(list(visit, "cart"))
}

/// `GET /v3/orders/{id}/metafields`
pub(crate) fn list_order(visit: &mut Visit<'_>) -> Reply {
    Ok(list(visit, "order"))
}

/// `POST /v3/carts/{id}/metafields`
pub(crate) fn create_cart(visit: &mut Visit<'_>) -> Reply {
    if !visit.store.carts.contains_key(visit.param(0)) {
        return Err(answer::not_found("The cart does not exist."));
    }
    create(visit, "cart")
}

/// `POST /v3/orders/{id}/metafields`
pub(crate) fn create_order(visit: &mut Visit<'_>) -> Reply {
    if !visit.id(0).is_some_and(|id| visit.store.orders.contains_key(&id)) {
        return Err(answer::not_found("The order does not exist."));
    }
    create(visit, "order")
}

/// `GET .../metafields/{id}` of a cart
pub(crate) fn get_cart(visit: &mut Visit<'_>) -> Reply {
    get(visit, "cart")
}

/// `GET .../metafields/{id}` of an order
pub(crate) fn get_order(visit: &mut Visit<'_>) -> Reply {
    get(visit, "order")
}

/// `PUT .../metafields/{id}` of a cart
pub(crate) fn update_cart(visit: &mut Visit<'_>) -> Reply {
    update(visit, "cart")
}

/// `PUT .../metafields/{id}` of an order
pub(crate) fn update_order(visit: &mut Visit<'_>) -> Reply {
    update(visit, "order")
}

/// `DELETE .../metafields/{id}` of a cart
pub(crate) fn delete_cart(visit: &mut Visit<'_>) -> Reply {
    delete(visit, "cart")
}

/// `DELETE .../metafields/{id}` of an order
pub(crate) fn delete_order(visit: &mut Visit<'_>) -> Reply {
    delete(visit, "order")
}

fn list(visit: &Visit<'_>, kind: &'static str) -> Answer {
    let (namespace, key) = (visit.query("namespace"), visit.query("key"));
    let rows: Vec<Value> = visit
        .store
        .metafields
        .iter()
        .filter(|field| field.kind == kind && field.resource == visit.param(0))
        .filter(|field| namespace.is_none_or(|wanted| wanted == field.namespace))
        .filter(|field| key.is_none_or(|wanted| wanted == field.key))
        .map(show)
        .collect();
    if visit.settings.strictly_as_specified && kind == "cart" {
        return Answer::data(200, &rows.into_iter().next().unwrap_or_else(|| json!({})));
    }
    let (page, limit) = visit.paging();
    Answer::page(&rows, page, limit)
}

fn show(field: &Metafield) -> Value {
    let mut out = field.fields.clone();
    // Cart metafields have text ids, order metafields numbers.
    out["id"] = if field.kind == "cart" { field.id.to_string().into() } else { field.id.into() };
    out["resource_type"] = field.kind.into();
    out["resource_id"] = match (field.kind, field.resource.parse::<u64>()) {
        ("order", Ok(id)) => id.into(),
        _ => field.resource.clone().into(),
    };
    out
}

fn create(visit: &mut Visit<'_>, kind: &'static str) -> Reply {
    let body = visit.body.clone();
    let required = |name: &str, most: usize| {
        text(&body, name)?
            .filter(|value| (1..=most).contains(&value.chars().count()))
            .ok_or_else(|| answer::invalid(name, &format!("must have 1 to {most} characters")))
    };
    let permission = required("permission_set", 64)?;
    if !PERMISSIONS.contains(&permission) {
        return Err(answer::invalid("permission_set", "is not a known permission set"));
    }
    let (namespace, key) = (required("namespace", 64)?, required("key", 64)?);
    let value = required("value", 65_535)?;
    let resource = visit.param(0).to_owned();
    let taken = visit.store.metafields.iter().any(|field| {
        field.kind == kind && field.resource == resource && field.namespace == namespace && field.key == key
    });
    if taken {
        let title = "A metafield with this namespace and key already exists.";
        return Err(answer::problem(409, title));
    }
    let fields = json!({
        "permission_set": permission, "namespace": namespace, "key": key, "value": value,
        "description": text(&body, "description")?.unwrap_or(""), "owner_client_id": "simulator",
        "date_created": iso(visit.now), "date_modified": iso(visit.now),
    });
    let field = Metafield {
        id: visit.store.next_id(),
        kind,
        resource,
        namespace: namespace.to_owned(),
        key: key.to_owned(),
        fields,
    };
    let shown = show(&field);
    visit.store.metafields.push(field);
    Ok(Answer::data(200, &shown))
}

fn position(visit: &Visit<'_>, kind: &'static str) -> Result<usize, Answer> {
    let (resource, id) = (visit.param(0), visit.id(1));
    visit
        .store
        .metafields
        .iter()
        .position(|field| field.kind == kind && field.resource == resource && Some(field.id) == id)
        .ok_or_else(|| answer::not_found("The metafield does not exist."))
}

fn get(visit: &Visit<'_>, kind: &'static str) -> Reply {
    let at = position(visit, kind)?;
    let shown = visit.store.metafields.get(at).map_or(Value::Null, show);
    Ok(Answer::data(200, &shown))
}

fn update(visit: &mut Visit<'_>, kind: &'static str) -> Reply {
    let at = position(visit, kind)?;
    let body = visit.body.clone();
    let now = iso(visit.now);
    let Some(field) = visit.store.metafields.get_mut(at) else {
        return Err(answer::not_found("The metafield does not exist."));
    };
    for name in ["value", "description", "permission_set"] {
        if let Some(value) = text(&body, name)? {
            field.fields[name] = value.into();
        }
    }
    field.fields["date_modified"] = now.into();
    Ok(Answer::data(200, &show(field)))
}

fn delete(visit: &mut Visit<'_>, kind: &'static str) -> Reply {
    let at = position(visit, kind)?;
    visit.store.metafields.remove(at);
    Ok(Answer::empty(204))
}
