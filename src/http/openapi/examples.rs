//! Examples of request bodies for the reference. A test holds each against what checks the body.

use serde_json::{Value, json};

/// The example of an operation that has a body.
pub(crate) fn body(operation_id: &str) -> Option<Value> {
    Some(match operation_id {
        "createCheckout" => json!({
            "line_items": [{"product_id": 111, "quantity": 2}],
            "custom_items": [{"sku": "abc-123", "name": "Custom Product", "quantity": 1, "list_price": 10}],
            "billing_address": address(),
            "consignments": [{"address": address()}],
            "shipping_preference": "cheapest",
            "metadata": {"session": "b7c1"},
        }),
        "setBillingAddress" => address(),
        "setConsignments" => json!([{
            "address": address(),
            "line_items": [{"item_id": "7e2f9b22-a16e-4056-9e2d-8fc919bcf653", "quantity": 1}],
        }]),
        "setShippingOptions" => json!([{"shipping_option_id": "4dcbf24f457dd67d5f89bcf374e0bc9b"}]),
        "addItems" => json!({"line_items": [{"product_id": 111, "quantity": 1}]}),
        "updateItem" => json!({"line_item": {"quantity": 3}}),
        "addCoupon" => json!({"coupon_code": "SAVE10"}),
        "setCustomerMessage" => json!({"customer_message": "Please ring twice."}),
        "createOrder" => json!({"agreed_total": 15.83}),
        "payCheckout" => {
            let mut body = stored_card();
            body["agreed_total"] = json!(15.83);
            body
        }
        "completeCheckout" => json!({
            "shipping_preference": {"type": "shipping_flatrate"},
            "agreed_total": 15.83,
            "payment": stored_card(),
        }),
        "createDirectOrder" => json!({
            "customer_id": 0,
            "billing_address": {
                "first_name": "Jane", "last_name": "Doe", "street_1": "123 Main Street", "city": "Austin",
                "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US",
                "email": "jane@example.com",
            },
            "products": [{"name": "BigCommerce Coffee Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45}],
        }),
        "restartCheckout" | "pauseCheckout" | "resumeCheckout" => {
            json!({"reason": "the gateway answers again"})
        }
        "cancelCheckoutAsOperator" => json!({"reason": "the shopper asked us to", "dry_run": true}),
        "resolveCheckout" => json!({"reason": "nothing at the gateway", "finding": {"not_charged": true}}),
        "beginBulk" => json!({
            "filter": {"status": "stuck", "reason": "undo-failed"}, "action": "restart",
            "reason": "the outage is over", "dry_run": true,
        }),
        "changeOrder" => json!({"status_id": 2, "reason": "it left the house", "dry_run": true}),
        "shipOrder" => json!({
            "order_address_id": 128, "shipping_provider": "", "tracking_number": "EJ958083578UK",
            "comments": "Janes Order",
            "items": [{"order_product_id": 194, "quantity": 1}, {"order_product_id": 195, "quantity": 1}],
        }),
        "quoteRefund" => json!({"items": [{"item_type": "PRODUCT", "item_id": 194, "quantity": 1}]}),
        "refundOrder" => json!({
            "items": [{"item_type": "PRODUCT", "item_id": 194, "quantity": 1, "reason": "arrived broken"}],
            "payments": [{"provider_id": "stripe", "amount": 10.83, "offline": false}],
            "reason": "arrived broken",
        }),
        "captureOrder" | "voidOrder" => json!({"reason": "the goods are ready"}),
        _ => return None,
    })
}

fn address() -> Value {
    json!({
        "first_name": "Jane", "last_name": "Doe", "email": "jane@example.com", "address1": "123 Main Street",
        "city": "Austin", "state_or_province": "Texas", "state_or_province_code": "TX", "country_code": "US",
        "postal_code": "78751", "phone": "1234567890",
    })
}

fn stored_card() -> Value {
    json!({
        "payment_method_id": "stripe.card",
        "instrument": {
            "type": "stored_card",
            "token": "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::json::Body;
    use crate::http::request::trust::Shopper;
    use crate::http::validate;

    #[test]
    fn every_example_is_taken_by_what_it_is_an_example_of() {
        let example = |id| body(id).unwrap_or_default();
        assert!(validate::new_checkout(&example("createCheckout"), Shopper::default()).is_ok());
        assert!(validate::billing_address(&example("setBillingAddress")).is_ok());
        assert!(validate::consignments(&example("setConsignments")).is_ok());
        assert!(validate::shipping_options(&example("setShippingOptions")).is_ok());
        assert!(validate::add_items(&example("addItems"), 0, true).is_ok());
        assert!(validate::update_item(&example("updateItem")).is_ok());
        assert!(validate::coupon_code(&example("addCoupon")).is_ok());
        assert!(validate::customer_message(&example("setCustomerMessage")).is_ok());
        assert!(validate::order(&example("createOrder")).is_ok());
        assert!(validate::payment(Body::from(example("payCheckout")), false).is_ok());
        assert!(validate::complete(Body::from(example("completeCheckout")), false).is_ok());
        assert!(validate::direct_order(&example("createDirectOrder"), Shopper::default()).is_ok());
        assert!(validate::action_body(&example("restartCheckout")).is_ok());
        assert!(validate::cancel(&example("cancelCheckoutAsOperator")).is_ok());
        assert!(validate::resolve(&example("resolveCheckout")).is_ok());
        assert!(validate::bulk(&example("beginBulk")).is_ok());
        assert!(validate::change_order(&example("changeOrder")).is_ok());
        assert!(validate::shipment(&example("shipOrder")).is_ok());
        assert!(validate::refund_quote(&example("quoteRefund")).is_ok());
        assert!(validate::refund(&example("refundOrder")).is_ok());
        assert!(validate::money_reason(&example("captureOrder")).is_ok());
    }
}
