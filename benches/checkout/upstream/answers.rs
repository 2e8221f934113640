//! The answers, as text with two holes: the id of the cart and the number of the order.
//!
//! Both tell the same number, so that each follows from the other and nothing has to be remembered. Amounts are plain
//! text and fit together: two items, shipping, tax, and an order and a token of the same total.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::books::DUE;
use super::route::Call;

/// The shipping option of every consignment.
pub(crate) const OPTION: &str = "4dcbf24f457dd67d5f89bcf374e0bc9b";
const CONSIGNMENT: &str = "5f7e3b0d1c9a2";

/// The holes. No answer holds these texts otherwise.
const CART: &str = "@cart@";
const ORDER: &str = "@order@";

/// The id of the cart with that number.
fn cart_of(number: u64) -> String {
    format!("b1c9f0de-6e2a-4c5e-9d41-{number:012x}")
}

/// The number of the cart with that id, or the number of an order as it is.
pub(super) fn number_of(id: &str) -> u64 {
    match id.rsplit_once('-') {
        Some((_, digits)) => u64::from_str_radix(digits, 16).unwrap_or_default(),
        None => id.parse().unwrap_or_default(),
    }
}

/// The first number behind that text.
pub(crate) fn number_after(body: &[u8], text: &[u8]) -> Option<u64> {
    let at = body.windows(text.len()).position(|window| window == text)? + text.len();
    let digits =
        body.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte));
    digits.collect::<String>().parse().ok()
}

/// Text with holes.
struct Template(Vec<Piece>);

enum Piece {
    Text(String),
    Cart,
    Order,
}

impl Template {
    fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        for (index, part) in text.split(CART).enumerate() {
            if index > 0 {
                pieces.push(Piece::Cart);
            }
            for (index, part) in part.split(ORDER).enumerate() {
                if index > 0 {
                    pieces.push(Piece::Order);
                }
                pieces.push(Piece::Text(part.to_owned()));
            }
        }
        Self(pieces)
    }

    fn fill(&self, number: u64) -> Bytes {
        let (cart, order) = (cart_of(number), number.to_string());
        let mut text = String::with_capacity(4096);
        for piece in &self.0 {
            text.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Cart => &cart,
                Piece::Order => &order,
            });
        }
        text.into()
    }
}

/// Every answer.
pub(super) struct Answers {
    cart: Template,
    addressed: Template,
    consigned: Template,
    chosen: Template,
    created: Template,
    listed: Template,
    paid: Template,
    urls: Template,
    payment: Template,
}

impl Answers {
    pub(super) fn prepare() -> Self {
        let options = format!("\"available_shipping_options\":[{}],", filled(OPTIONS));
        let selected = format!("\"selected_shipping_option\":{},", filled(FLAT_RATE));
        let consignment = |extra: &str| filled(CONSIGNMENTS).replace("@extra@", extra);
        let both = format!("{options}{selected}");
        let order = filled(ORDERS);
        Self {
            cart: Template::new(&filled(CARTS)),
            addressed: checkout("", "139.64", "0"),
            consigned: checkout(&consignment(&options), "139.64", "0"),
            chosen: checkout(&consignment(&both), "148.59", "8.95"),
            created: Template::new(r#"{"data":{"id":@order@},"meta":{}}"#),
            listed: Template::new(&format!("[{order}]").replace("@status@", INCOMPLETE)),
            paid: Template::new(&order.replace("@status@", AWAITING_FULFILLMENT)),
            urls: Template::new(URLS),
            payment: Template::new(PAYMENT),
        }
    }

    /// The status and the body.
    pub(super) fn of(&self, call: Call, number: u64) -> (u16, Bytes) {
        match call {
            Call::CreateCart => (201, self.cart.fill(number)),
            Call::AddBillingAddress => (200, self.addressed.fill(number)),
            Call::AddConsignments => (200, self.consigned.fill(number)),
            Call::SelectOption | Call::ReadCheckout => (200, self.chosen.fill(number)),
            Call::CreateOrder => (200, self.created.fill(number)),
            Call::ListOrders => (200, self.listed.fill(number)),
            Call::ReadOrder => (200, self.paid.fill(number)),
            Call::CreateToken => (200, token(number)),
            Call::RedirectUrls => (201, self.urls.fill(number)),
            Call::Pay => (202, self.payment.fill(number)),
            Call::Strange => {
                (404, Bytes::from_static(br#"{"status":404,"title":"not on the straight path"}"#))
            }
        }
    }
}

/// A payment access token: a JWT that nobody verifies.
fn token(order: u64) -> Bytes {
    let claims = format!(
        r#"{{"data":{{"amount":{DUE},"currency":"USD","order_id":{order},"store_id":"10000","is_recurring":false}},"exp":4102444800,"iss":"payments.bigcommerce.com","jti":"{}","nbf":1732147200,"sub":"bench"}}"#,
        cart_of(order)
    );
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims);
    format!(
        r#"{{"data":{{"id":"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.{claims}.Zm9yLW1lYXN1cmluZy1vbmx5LW5vdC1hLXNpZ25hdHVyZQ"}}}}"#
    )
    .into()
}

/// A text with its fixed parts put in.
fn filled(text: &str) -> String {
    text.replace("@items@", ITEMS)
        .replace("@address@", ADDRESS)
        .replace("@flat@", FLAT_RATE)
        .replace("@option@", OPTION)
        .replace("@consignment@", CONSIGNMENT)
}

fn checkout(consignments: &str, total: &str, shipping: &str) -> Template {
    let text = CHECKOUTS.replace("@consignments@", consignments).replace("@total@", total);
    Template::new(&filled(&text.replace("@shipping@", shipping)))
}

const INCOMPLETE: &str = r#""status_id":0,"status":"Incomplete","payment_status":"""#;
const AWAITING_FULFILLMENT: &str =
    r#""status_id":11,"status":"Awaiting Fulfillment","payment_status":"captured""#;

const ITEMS: &str = r#"{"physical_items":[{"id":"8edef915-8e8a-4ebd-bac5-8d21b4ab5d30","parent_id":null,"variant_id":358,"product_id":230,"sku":"SMB-GRY-M","name":"Linen shirt, gray","url":"https://store.example.com/linen-shirt-grey/","quantity":2,"image_url":"https://cdn.store.example.com/products/230/images/516/linen-shirt.220.290.jpg","discounts":[],"coupons":[],"discount_amount":0,"coupon_amount":0,"original_price":25,"list_price":25,"sale_price":25,"extended_list_price":50,"extended_sale_price":50,"is_require_shipping":true,"is_mutable":true,"added_by_promotion":false,"is_taxable":true,"gift_wrapping":null,"options":[{"name":"Size","nameId":128,"value":"M","valueId":131}]},{"id":"b7a5dc12-1f77-4fcb-a6b1-7c2f6f1d2b1c","parent_id":null,"variant_id":402,"product_id":251,"sku":"BAG-LTH","name":"Leather bag","url":"https://store.example.com/leather-bag/","quantity":1,"image_url":"https://cdn.store.example.com/products/251/images/540/leather-bag.220.290.jpg","discounts":[],"coupons":[],"discount_amount":0,"coupon_amount":0,"original_price":79,"list_price":79,"sale_price":79,"extended_list_price":79,"extended_sale_price":79,"is_require_shipping":true,"is_mutable":true,"added_by_promotion":false,"is_taxable":true,"gift_wrapping":null,"options":[]}],"digital_items":[],"gift_certificates":[],"custom_items":[]}"#;

const ADDRESS: &str = r#""first_name":"Jane","last_name":"Doe","email":"jane@example.com","company":"","address1":"123 Main Street","address2":"","city":"Austin","state_or_province":"Texas","state_or_province_code":"TX","country":"United States","country_code":"US","postal_code":"78751","phone":"5125550123","custom_fields":[]"#;

const CARTS: &str = r#"{"data":{"id":"@cart@","customer_id":1,"channel_id":1,"email":"","currency":{"code":"USD"},"tax_included":false,"base_amount":129,"discount_amount":0,"manual_discount_amount":0,"cart_amount":139.64,"coupons":[],"discounts":[{"id":"8edef915-8e8a-4ebd-bac5-8d21b4ab5d30","discounted_amount":0}],"line_items":@items@,"created_time":"2026-11-21T00:00:00+00:00","updated_time":"2026-11-21T00:00:00+00:00","locale":"en","version":1},"meta":{}}"#;

const CHECKOUTS: &str = r#"{"data":{"id":"@cart@","cart":{"id":"@cart@","customer_id":1,"channel_id":1,"email":"jane@example.com","currency":{"code":"USD"},"tax_included":false,"base_amount":129,"discount_amount":0,"cart_amount_inc_tax":139.64,"cart_amount_ex_tax":129,"coupons":[],"discounts":[],"line_items":@items@,"created_time":"2026-11-21T00:00:00+00:00","updated_time":"2026-11-21T00:00:00+00:00"},"billing_address":{"id":"60de7a1f2c3b4",@address@},"consignments":[@consignments@],"taxes":[{"name":"Texas","amount":10.64}],"coupons":[],"order_id":null,"shipping_cost_total_inc_tax":@shipping@,"shipping_cost_total_ex_tax":@shipping@,"handling_cost_total_inc_tax":0,"handling_cost_total_ex_tax":0,"tax_total":10.64,"subtotal_inc_tax":139.64,"subtotal_ex_tax":129,"grand_total":@total@,"fees":[],"created_time":"2026-11-21T00:00:00+00:00","updated_time":"2026-11-21T00:00:00+00:00","customer_message":"","version":2},"meta":{}}"#;

const CONSIGNMENTS: &str = r#"{"id":"@consignment@",@extra@"shipping_cost_inc_tax":8.95,"shipping_cost_ex_tax":8.95,"handling_cost_inc_tax":0,"handling_cost_ex_tax":0,"coupon_discounts":[],"discounts":[],"line_item_ids":["8edef915-8e8a-4ebd-bac5-8d21b4ab5d30","b7a5dc12-1f77-4fcb-a6b1-7c2f6f1d2b1c"],"shipping_address":{@address@},"address":{@address@}}"#;

const FLAT_RATE: &str = r#"{"id":"@option@","type":"shipping_flatrate","description":"Flat Rate","image_url":"","cost":8.95,"transit_time":"3 to 5 days","additional_description":""}"#;

const OPTIONS: &str = r#"@flat@,{"id":"9a1c7e0b52d94b0e8f1f6f0b7f7a1c22","type":"shipping_byweight","description":"Express","image_url":"","cost":24.5,"transit_time":"1 day","additional_description":"Ordered before noon"}"#;

const ORDERS: &str = r#"{"id":@order@,"customer_id":1,"date_created":"Sat, 21 Nov 2026 00:00:00 +0000","date_modified":"Sat, 21 Nov 2026 00:00:00 +0000","date_shipped":"",@status@,"subtotal_ex_tax":"129.0000","subtotal_inc_tax":"139.6400","subtotal_tax":"10.6400","base_shipping_cost":"8.9500","shipping_cost_ex_tax":"8.9500","shipping_cost_inc_tax":"8.9500","shipping_cost_tax":"0.0000","shipping_cost_tax_class_id":2,"base_handling_cost":"0.0000","handling_cost_ex_tax":"0.0000","handling_cost_inc_tax":"0.0000","handling_cost_tax":"0.0000","total_ex_tax":"137.9500","total_inc_tax":"148.5900","total_tax":"10.6400","items_total":3,"items_shipped":0,"payment_method":"","payment_provider_id":null,"refunded_amount":"0.0000","order_is_digital":false,"store_credit_amount":"0.0000","gift_certificate_amount":"0.0000","ip_address":"","geoip_country":"","currency_id":1,"currency_code":"USD","currency_exchange_rate":"1.0000000000","default_currency_id":1,"default_currency_code":"USD","staff_notes":"","customer_message":"","discount_amount":"0.0000","coupon_discount":"0.0000","shipping_address_count":1,"is_deleted":false,"ebay_order_id":"0","cart_id":"@cart@","billing_address":{@address@},"is_email_opt_in":false,"order_source":"checkout_api","channel_id":1,"external_source":null,"external_id":null,"products":{"url":"https://api.bigcommerce.com/stores/bench/v2/orders/@order@/products","resource":"/orders/@order@/products"},"shipping_addresses":{"url":"https://api.bigcommerce.com/stores/bench/v2/orders/@order@/shipping_addresses","resource":"/orders/@order@/shipping_addresses"},"coupons":{"url":"https://api.bigcommerce.com/stores/bench/v2/orders/@order@/coupons","resource":"/orders/@order@/coupons"},"custom_status":"","tax_provider_id":"BasicTaxProvider","store_default_currency_code":"USD","store_default_to_transactional_exchange_rate":"1.0000000000"}"#;

const URLS: &str = r#"{"data":{"cart_url":"https://store.example.com/cart.php?action=load&id=@cart@&token=1f0e","checkout_url":"https://store.example.com/cart.php?action=loadInCheckout&id=@cart@&token=1f0e","embedded_checkout_url":"https://store.example.com/cart.php?embedded=1&action=loadInCheckout&id=@cart@&token=1f0e"},"meta":{}}"#;

const PAYMENT: &str = r#"{"id":"@cart@","transaction_type":"purchase","status":"success"}"#;
