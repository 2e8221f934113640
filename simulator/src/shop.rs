//! The shop itself: variants of the catalog, store information and the clock.

use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, amount, member, whole};
use crate::catalog::variant_json;

/// `GET /v3/catalog/products/{id}/variants`
pub(crate) fn variants(visit: &mut Visit<'_>) -> Reply {
    let product = visit.id(0).and_then(|id| visit.store.product(id));
    let product = product.ok_or_else(|| answer::not_found("The product was not found."))?;
    let rows: Vec<Value> = product.variants.iter().map(|variant| variant_json(product, variant)).collect();
    let (page, limit) = visit.paging();
    Ok(Answer::page(&rows, page, limit))
}

/// `GET /v3/catalog/products/{id}/variants/{variantId}`
pub(crate) fn variant(visit: &mut Visit<'_>) -> Reply {
    let found = visit.id(1).and_then(|id| visit.store.variant(id));
    let found = found.filter(|(product, _)| Some(product.id) == visit.id(0));
    found
        .map(|(product, variant)| Answer::data(200, &variant_json(product, variant)))
        .ok_or_else(|| answer::not_found("The variant was not found."))
}

/// `PUT /v3/catalog/products/{id}/variants/{variantId}`: price and stock move.
pub(crate) fn update_variant(visit: &mut Visit<'_>) -> Reply {
    let body = visit.body.clone();
    let (price, stock) = (amount(&body, "price")?, whole(&body, "inventory_level")?);
    let disabled = member(&body, "purchasing_disabled").and_then(Value::as_bool);
    let (product, id) = (visit.id(0), visit.id(1).unwrap_or(0));
    let belongs = visit.store.variant(id).is_some_and(|(known, _)| Some(known.id) == product);
    if let Some(variant) = visit.store.variant_mut(id).filter(|_| belongs) {
        variant.price = price.unwrap_or(variant.price);
        variant.stock = stock.or(variant.stock);
        variant.disabled = disabled.unwrap_or(variant.disabled);
    }
    self::variant(visit)
}

/// `GET /v2/store`
pub(crate) fn information(visit: &mut Visit<'_>) -> Reply {
    let currency = &visit.settings.store_currency;
    let domain = format!("store-{}.mybigcommerce.com", visit.store.hash);
    Ok(Answer::json(
        200,
        &json!({
            "id": visit.store.hash, "account_uuid": "5ddb4e22-0000-4000-8000-000000000001", "domain": domain,
            "secure_url": format!("https://{domain}"), "status": "live", "name": "Simulated Store",
            "first_name": "Ada", "last_name": "Merchant", "address": "11305 Four Points Drive, Austin, TX",
            "country": "United States", "country_code": "US", "phone": "", "admin_email": "admin@example.com",
            "order_email": "orders@example.com", "language": "en", "currency": currency,
            "currency_symbol": "$", "decimal_separator": ".", "thousands_separator": ",",
            "decimal_places": crate::money::decimals(currency), "currency_symbol_location": "left",
            "weight_units": "LBS", "dimension_units": "Inches", "plan_name": "Pro", "plan_level": "Pro",
            "plan_is_trial": false, "industry": "", "logo": [], "is_price_entered_with_tax": false,
            "store_id": visit.store.number, "default_channel_id": 1, "default_site_id": 1000,
            "active_comparison_modules": [],
            "timezone": {"name": "America/Chicago", "raw_offset": -21600, "dst_offset": -18000, "dst_correction": true},
            "features": {"stencil_enabled": true, "sitewidehttps_enabled": true, "checkout_type": "optimized",
                "wishlists_enabled": true, "graphql_storefront_api_enabled": true,
                "shopper_consent_tracking_enabled": false, "multi_storefront_enabled": false},
        }),
    ))
}

/// `GET /v2/time`
pub(crate) fn time(visit: &mut Visit<'_>) -> Reply {
    Ok(Answer::json(200, &json!({"time": visit.now.unix_timestamp()})))
}
