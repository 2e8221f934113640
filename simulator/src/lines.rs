//! How lines enter a cart: catalog products, custom items and gift certificates, and what BigCommerce refuses.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{self, Answer};
use crate::call::{amount, list, member, text, whole};
use crate::cart::{Cart, Kind, Line};
use crate::catalog::{Product, Trait, Variant};
use crate::store::Store;

const THEMES: [&str; 6] = ["Birthday", "Boy", "Celebration", "Christmas", "General", "Girl"];

/// Adds everything that a create-cart or add-items body names.
pub(crate) fn add_all(store: &Store, cart: &mut Cart, body: &Value) -> Result<(), Answer> {
    let (items, custom) = (list(body, "line_items")?, list(body, "custom_items")?);
    let certificates = list(body, "gift_certificates")?;
    if items.is_empty() && custom.is_empty() && certificates.is_empty() {
        let message = "at least one of line_items, custom_items and gift_certificates is required";
        return Err(answer::invalid("line_items", message));
    }
    for item in items {
        let line = catalog_line(store, item)?;
        add(cart, line);
    }
    for item in custom {
        cart.lines.push(custom_line(item)?);
    }
    for item in certificates {
        add_certificates(cart, item)?;
    }
    check_limits(store, cart)
}

/// Joins a line to an equal one, as BigCommerce does, or appends it.
fn add(cart: &mut Cart, line: Line) {
    let equal = cart.lines.iter_mut().find(|known| {
        known.variant_id == line.variant_id
            && known.is_mutable
            && known.kind == line.kind
            && known.name == line.name
            && known.price_override == line.price_override
            && known.list_price == line.list_price
    });
    match equal {
        Some(known) => known.quantity = known.quantity.saturating_add(line.quantity),
        None => cart.lines.push(line),
    }
}

fn quantity(item: &Value) -> Result<u64, Answer> {
    let quantity = whole(item, "quantity")?.ok_or_else(|| answer::invalid("quantity", "is required"))?;
    if quantity == 0 { Err(answer::invalid("quantity", "must be at least 1")) } else { Ok(quantity) }
}

fn catalog_line(store: &Store, item: &Value) -> Result<Line, Answer> {
    let quantity = quantity(item)?;
    let id = whole(item, "product_id")?.ok_or_else(|| answer::invalid("product_id", "is required"))?;
    let product =
        store.product(id).ok_or_else(|| answer::problem(422, &format!("Cannot find product {id}.")))?;
    let variant = choose_variant(product, item)?;
    if variant.disabled {
        return Err(answer::problem(422, &format!("{} cannot be purchased.", product.name)));
    }
    let wanted = amount(item, "list_price")?;
    let list_price = wanted.unwrap_or(variant.price);
    let name = text(item, "name")?.unwrap_or(product.name);
    Ok(Line {
        id: Uuid::new_v4().to_string(),
        kind: if product.digital { Kind::Digital } else { Kind::Physical },
        product_id: product.id,
        variant_id: variant.id,
        sku: variant.sku.clone(),
        name: name.to_owned(),
        quantity,
        list_price,
        price_override: wanted.is_some(),
        sale_price: product.sale_price(list_price),
        taxable: product.taxable,
        is_mutable: true,
        manual_discount: Decimal::ZERO,
        options: options_json(variant),
        image_url: String::new(),
        certificate: Value::Null,
    })
}

fn options_json(variant: &Variant) -> Vec<Value> {
    variant
        .options
        .iter()
        .map(|o| json!({"name": o.option, "nameId": o.option_id, "value": o.value, "valueId": o.value_id}))
        .collect()
}

fn choose_variant<'p>(product: &'p Product, item: &Value) -> Result<&'p Variant, Answer> {
    if let Some(id) = whole(item, "variant_id")? {
        let found = product.variants.iter().find(|variant| variant.id == id);
        return found.ok_or_else(|| answer::invalid("variant_id", "is not a variant of this product"));
    }
    if !product.has_options() {
        let found = product.variants.first();
        return found.ok_or_else(|| answer::invalid("product_id", "this product has no variant"));
    }
    let mut chosen = Vec::new();
    for selection in list(item, "option_selections")? {
        let option = whole(selection, "option_id")?.or(whole(selection, "nameId")?);
        let value = whole(selection, "option_value")?.or(whole(selection, "valueId")?);
        chosen.extend(option.zip(value));
    }
    if chosen.is_empty() {
        return Err(answer::problem(422, "This product has options; variant ID is required."));
    }
    variant_of(product, &chosen)
        .ok_or_else(|| answer::invalid("option_selections", "do not name a variant of this product"))
}

/// The variant with exactly these options and values.
pub(crate) fn variant_of<'p>(product: &'p Product, chosen: &[(u64, u64)]) -> Option<&'p Variant> {
    product.variants.iter().find(|variant| {
        variant.options.len() == chosen.len()
            && variant.options.iter().all(|option| chosen.contains(&(option.option_id, option.value_id)))
    })
}

fn custom_line(item: &Value) -> Result<Line, Answer> {
    let name = text(item, "name")?.filter(|name| (1..=250).contains(&name.chars().count()));
    let name = name.ok_or_else(|| answer::invalid("name", "must have 1 to 250 characters"))?;
    let price = amount(item, "list_price")?.ok_or_else(|| answer::invalid("list_price", "is required"))?;
    Ok(Line {
        id: Uuid::new_v4().to_string(),
        kind: Kind::Custom,
        product_id: 0,
        variant_id: 0,
        sku: text(item, "sku")?.unwrap_or("").to_owned(),
        name: name.to_owned(),
        quantity: quantity(item)?,
        list_price: price,
        price_override: true,
        sale_price: price,
        taxable: true,
        is_mutable: false,
        manual_discount: Decimal::ZERO,
        options: Vec::new(),
        image_url: text(item, "image_url")?.unwrap_or("").to_owned(),
        certificate: Value::Null,
    })
}

fn add_certificates(cart: &mut Cart, item: &Value) -> Result<(), Answer> {
    let theme = text(item, "theme")?.filter(|theme| THEMES.contains(theme));
    let theme = theme.ok_or_else(|| answer::invalid("theme", "is not a known theme"))?;
    let price = amount(item, "amount")?.filter(|a| (Decimal::ONE..=Decimal::ONE_THOUSAND).contains(a));
    let price = price.ok_or_else(|| answer::invalid("amount", "must be between 1 and 1000"))?;
    let message = text(item, "message")?.unwrap_or("");
    if message.chars().count() > 200 {
        return Err(answer::invalid("message", "must have at most 200 characters"));
    }
    let person = |name: &str| match member(item, name) {
        Some(person @ Value::Object(_)) => {
            Ok(json!({"name": text(person, "name")?, "email": text(person, "email")?}))
        }
        _ => Err(answer::invalid(name, "is required")),
    };
    let certificate = json!({
        "theme": theme, "sender": person("sender")?, "recipient": person("recipient")?, "message": message,
    });
    let name = text(item, "name")?.ok_or_else(|| answer::invalid("name", "is required"))?;
    for _ in 0..quantity(item)?.min(100) {
        cart.lines.push(Line {
            id: Uuid::new_v4().to_string(),
            kind: Kind::GiftCertificate,
            product_id: 0,
            variant_id: 0,
            sku: String::new(),
            name: name.to_owned(),
            quantity: 1,
            list_price: price,
            price_override: true,
            sale_price: price,
            taxable: false,
            is_mutable: true,
            manual_discount: Decimal::ZERO,
            options: Vec::new(),
            image_url: String::new(),
            certificate: certificate.clone(),
        });
    }
    Ok(())
}

/// Stock and the most that one order may contain.
pub(crate) fn check_limits(store: &Store, cart: &Cart) -> Result<(), Answer> {
    for line in cart.lines.iter().filter(|line| line.variant_id > 0) {
        let Some((product, variant)) = store.variant(line.variant_id) else {
            return Err(answer::problem(422, &format!("{} is no longer available.", line.name)));
        };
        let wanted = total_quantity(cart, line.variant_id);
        if let Trait::AtMost(most) = product.special
            && wanted > most
        {
            let title = format!("You can only purchase a maximum of {most} of the {} per order", line.name);
            return Err(answer::problem(409, &title));
        }
        if variant.stock.is_some_and(|stock| wanted > stock) {
            let left = variant.stock.unwrap_or(0);
            let title = if left == 0 {
                format!("{} is out of stock.", line.name)
            } else {
                format!("Only {left} of {} can be purchased.", line.name)
            };
            return Err(answer::problem(422, &title));
        }
    }
    Ok(())
}

fn total_quantity(cart: &Cart, variant: u64) -> u64 {
    cart.lines
        .iter()
        .filter(|line| line.variant_id == variant)
        .fold(0, |sum, line| sum.saturating_add(line.quantity))
}

/// Lets lines without a price of their own follow the catalog.
pub(crate) fn reprice(store: &Store, cart: &mut Cart) {
    for line in &mut cart.lines {
        let Some((product, variant)) = store.variant(line.variant_id) else { continue };
        if !line.price_override {
            line.list_price = variant.price;
        }
        line.sale_price = product.sale_price(line.list_price);
        if !line.is_mutable {
            line.sale_price /= Decimal::TWO;
        }
    }
}

/// Splits lines of the second-half-price product: the first unit stays, the others become one line with a new id
/// that the client cannot change.
pub(crate) fn split_promotions(store: &Store, cart: &mut Cart) {
    let splits: Vec<Line> = cart
        .lines
        .iter_mut()
        .filter(|line| line.is_mutable && line.quantity > 1 && line.variant_id > 0)
        .filter(|line| {
            store.variant(line.variant_id).is_some_and(|(p, _)| p.special == Trait::SecondHalfPrice)
        })
        .map(|line| {
            let rest = line.quantity - 1;
            line.quantity = 1;
            Line {
                id: Uuid::new_v4().to_string(),
                quantity: rest,
                sale_price: line.list_price / Decimal::TWO,
                is_mutable: false,
                ..line.clone()
            }
        })
        .collect();
    for split in splits {
        let partner =
            cart.lines.iter_mut().find(|line| !line.is_mutable && line.variant_id == split.variant_id);
        match partner {
            Some(partner) => partner.quantity = partner.quantity.saturating_add(split.quantity),
            None => cart.lines.push(split),
        }
    }
}
