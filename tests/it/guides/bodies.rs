//! The bodies of the guides, to the letter.

/// "Create a cart".
pub(super) const CART: &str = r#"{
  "custom_items": [
    {
      "sku": "abc-123",
      "name": "Custom Product",
      "quantity": 1,
      "list_price": 10
    }
  ]
}"#;

/// "Add a billing address".
pub(super) const BILLING_ADDRESS: &str = r#"{
  "first_name": "Jane",
  "last_name": "Doe",
  "email": "jane@example.com",
  "address1": "123 Main Street",
  "address2": "",
  "city": "Austin",
  "state_or_province": "Texas",
  "state_or_province_code": "TX",
  "country_code": "US",
  "postal_code": "78751",
  "phone": "1234567890"
}"#;

/// "Add a consignment" of the first guide: with the older name of the address and with custom fields.
pub(super) const CONSIGNMENT: &str = r#"[
  {
    "shipping_address": {
      "email": "jane2@example.com",
      "country_code": "US",
      "first_name": "BigCommerce",
      "last_name": "Cart/Checkout",
      "address1": "123 Main Street",
      "city": "Austin",
      "state_or_province": "Texas",
      "state_or_province_code": "TX",
      "postal_code": "78751",
      "phone": "688546",
      "custom_fields": [
        {
          "field_id": "field_25",
          "field_value": "Great!"
        }
      ]
    },
    "line_items": [
      {
        "item_id": "{{LINE_ITEM_ID}}",
        "quantity": 1
      }
    ]
  }
]"#;

/// "Step 1: Add a new consignment" of the second guide.
pub(super) const CONSIGNMENT_OF_JANE: &str = r#"[
  {
    "shipping_address": {
      "first_name": "Jane",
      "last_name": "Doe",
      "email": "jane@example.com",
      "address1": "123 Main Street",
      "address2": "",
      "city": "Austin",
      "state_or_province": "Texas",
      "state_or_province_code": "TX",
      "country_code": "US",
      "postal_code": "78751",
      "phone": "1234567890"
    },
    "line_items": [
      {
        "item_id": "7e2f9b22-a16e-4056-9e2d-8fc919bcf653",
        "quantity": 1
      }
    ]
  }
]"#;

/// "Using the Stored Card method", process payment.
pub(super) const STORED_CARD: &str = r#"{
  "payment": {
    "instrument": {
      "type": "stored_card",
      "token": "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee",
      "verification_value": "1142"
    },
    "payment_method_id": "adyenv2.scheme",
    "save_instrument": true
  }
}"#;

/// "Using the Credit Card method": the guide refers to "Credit cards" of the payments overview for the body.
pub(super) const CREDIT_CARD: &str = r#"{
  "payment": {
    "instrument": {
      "type": "card",
      "number": "4111111111111111",
      "cardholder_name": "John Doe",
      "expiry_month": 12,
      "expiry_year": 2030,
      "verification_value": "411"
    },
    "payment_method_id": "stripe.card",
    "save_instrument": false
  }
}"#;

/// "Creating an order": the minimum.
pub(super) const DIRECT_ORDER: &str = r#"{
  "billing_address": {
    "first_name": "Jane",
    "last_name": "Doe",
    "street_1": "123 Main Street",
    "city": "Austin",
    "state": "Texas",
    "zip": "78751",
    "country": "United States",
    "country_iso2": "US",
    "email": "janedoe@email.com"
  },
  "products": [
    {
      "name": "BigCommerce Coffee Mug",
      "quantity": 1,
      "price_inc_tax": 50,
      "price_ex_tax": 45
    }
  ]
}"#;

/// "Including shipping addresses".
pub(super) const SHIPPING_ADDRESSES: &str = r#"[
    {
      "first_name": "Rusty",
      "last_name": "Gates",
      "company": "Example LLC",
      "street_1": "123 Example ST",
      "street_2": "",
      "city": "Austin",
      "state": "Texas",
      "zip": "12345",
      "country": "United States",
      "country_iso2": "US",
      "phone": "5128675309",
      "email": "rusty.gates@example.com"
    }
  ]"#;

/// "Adding products": the guide's comments are not JSON and are left out.
pub(super) const PRODUCTS: &str = r#"[
    {
      "name": "BigCommerce Coffee Mug",
      "quantity": 1,
      "price_inc_tax": 50,
      "price_ex_tax": 45
    },
    {
      "product_id": 184,
      "quantity": 1,
      "product_options": [
        {
          "id": 200,
          "value": "180"
        },
        {
          "id": 230,
          "value": "192"
        }
      ]
    }
  ]"#;

/// "Changing order status".
pub(super) const CHANGE_STATUS: &str = r#"{
  "status_id": 2
}"#;

/// The first status of the guide's response.
pub(super) const STATUS_INCOMPLETE: &str = r#"{
    "id": 0,
    "name": "Incomplete",
    "system_label": "Incomplete",
    "custom_label": "Incomplete - Testing",
    "system_description": "An incomplete order happens when a shopper reached the payment page, but did not complete the transaction.",
    "order": 0
  }"#;

/// "Creating order shipments": the guide forgets the first brace.
pub(super) const SHIPMENT: &str = r#"{
  "tracking_number": "EJ958083578UK",
  "comments": "Janes Order",
  "order_address_id": "128",
  "shipping_provider": "",
  "items": [
    {
      "order_product_id": 194,
      "quantity": 1
    },
    {
      "order_product_id": 195,
      "quantity": 1
    }
  ]
}"#;

/// "Shipping to multiple locations", the first one.
pub(super) const SHIPMENT_OF_THE_FIRST_LOCATION: &str = r#"{
  "order_address_id": "123",
  "shipping_provider": "usps",
  "items": [
    {
      "order_product_id": 2,
      "quantity": 1
    }
  ]
}"#;

/// "Shipping to multiple locations", the second one.
pub(super) const SHIPMENT_OF_THE_SECOND_LOCATION: &str = r#"{
  "order_address_id": "456",
  "shipping_provider": "",
  "items": [
    {
      "order_product_id": 5,
      "quantity": 1
    }
  ]
}"#;
