//! BigCommerce's documents about carts and checkouts, as far as storefronts are shown them.

use crate::http::openapi::documents::described::Described;
use crate::http::openapi::documents::described::Kind::{
    All, Amount, Flag, List, Name, Number, One, OneOrNull, Text, Texts,
};

pub(crate) static CART: Described = Described {
    name: "Cart",
    about: "The cart, in the shape of the cart inside of BigCommerce's checkout object.",
    fields: &[
        ("id", Text, ""),
        ("customer_id", Number, "0: a guest."),
        ("channel_id", Number, ""),
        ("email", Text, ""),
        ("currency", One(&CART_CURRENCY), ""),
        ("tax_included", Flag, ""),
        ("base_amount", Amount, ""),
        ("discount_amount", Amount, "Without coupons."),
        ("cart_amount_inc_tax", Amount, ""),
        ("cart_amount_ex_tax", Amount, ""),
        ("coupons", List(&CART_COUPON), ""),
        ("line_items", One(&CART_ITEMS), ""),
        ("created_time", Text, ""),
        ("updated_time", Text, ""),
    ],
};

pub(crate) static CART_CURRENCY: Described = Described {
    name: "CartCurrency",
    about: "The currency of a cart.",
    fields: &[("code", Text, "ISO 4217.")],
};

pub(crate) static CART_COUPON: Described = Described {
    name: "CartCoupon",
    about: "A coupon of a cart.",
    fields: &[("code", Text, ""), ("display_name", Text, ""), ("discounted_amount", Amount, "")],
};

pub(crate) static CART_ITEMS: Described = Described {
    name: "CartItems",
    about: "The items of a cart, by their kind.",
    fields: &[
        ("physical_items", List(&CART_ITEM), ""),
        ("digital_items", List(&CART_ITEM), ""),
        ("gift_certificates", List(&CART_GIFT_CERTIFICATE), ""),
        ("custom_items", List(&CART_CUSTOM_ITEM), ""),
    ],
};

pub(crate) static CART_ITEM: Described = Described {
    name: "CartItem",
    about: "A product in a cart.",
    fields: &[
        ("id", Text, "`item_id` of changes and consignments."),
        ("product_id", Number, ""),
        ("variant_id", Number, ""),
        ("sku", Text, ""),
        ("name", Text, ""),
        ("url", Text, ""),
        ("image_url", Text, ""),
        ("quantity", Number, ""),
        ("list_price", Amount, ""),
        ("sale_price", Amount, ""),
        ("extended_list_price", Amount, ""),
        ("extended_sale_price", Amount, ""),
        ("discount_amount", Amount, ""),
        ("coupon_amount", Amount, ""),
        ("is_require_shipping", Flag, ""),
        ("is_mutable", Flag, "Whether the shopper may change it."),
    ],
};

pub(crate) static CART_CUSTOM_ITEM: Described = Described {
    name: "CartCustomItem",
    about: "An item that is not a product of the store.",
    fields: &[
        ("id", Text, "`item_id` of changes and consignments."),
        ("sku", Text, ""),
        ("name", Text, ""),
        ("image_url", Text, ""),
        ("quantity", Number, ""),
        ("list_price", Amount, ""),
        ("extended_list_price", Amount, ""),
    ],
};

pub(crate) static CART_GIFT_CERTIFICATE: Described = Described {
    name: "CartGiftCertificate",
    about: "A gift certificate that is bought.",
    fields: &[
        ("id", Text, ""),
        ("name", Text, ""),
        ("theme", Text, ""),
        ("message", Text, ""),
        ("amount", Amount, ""),
        ("quantity", Number, ""),
    ],
};

pub(crate) static ADDRESS: Described = Described {
    name: "Address",
    about: "An address. A direct order's is as it was given.",
    fields: &[
        ("first_name", Text, ""),
        ("last_name", Text, ""),
        ("company", Text, ""),
        ("email", Text, ""),
        ("phone", Text, ""),
        ("address1", Text, ""),
        ("address2", Text, ""),
        ("city", Text, ""),
        ("state_or_province", Text, ""),
        ("state_or_province_code", Text, ""),
        ("postal_code", Text, ""),
        ("country", Text, ""),
        ("country_code", Text, ""),
    ],
};

pub(crate) static CONSIGNMENT: Described = Described {
    name: "Consignment",
    about: "Items that go to one address, and how they are shipped.",
    fields: &[
        ("id", Name, ""),
        ("line_item_ids", Texts, ""),
        ("address", OneOrNull(&ADDRESS), ""),
        ("available_shipping_options", All(&SHIPPING_OPTION), "What may be chosen."),
        ("selected_shipping_option", OneOrNull(&SHIPPING_OPTION), "Null: none was chosen yet."),
        ("shipping_cost_inc_tax", Amount, ""),
        ("shipping_cost_ex_tax", Amount, ""),
        ("handling_cost_inc_tax", Amount, ""),
        ("handling_cost_ex_tax", Amount, ""),
    ],
};

pub(crate) static SHIPPING_OPTION: Described = Described {
    name: "ShippingOption",
    about: "A way to ship.",
    fields: &[
        ("id", Text, "`shipping_option_id` of the step that chooses."),
        ("type", Text, ""),
        ("description", Text, ""),
        ("image_url", Text, ""),
        ("cost", Amount, ""),
        ("transit_time", Text, ""),
        ("additional_description", Text, ""),
        ("is_recommended", Flag, ""),
    ],
};

pub(crate) static PAYMENT_METHOD: Described = Described {
    name: "PaymentMethod",
    about: "A payment method that the store accepts.",
    fields: &[
        ("id", Text, "`payment_method_id` of a payment."),
        ("name", Text, ""),
        ("type", Text, "Such as `card`."),
        ("test_mode", Flag, ""),
        ("supported_instruments", List(&SUPPORTED_INSTRUMENT), ""),
        (
            "stored_instruments",
            List(&STORED_INSTRUMENT),
            "The shopper's own; empty if the customer of the checkout was not verified.",
        ),
    ],
};

pub(crate) static SUPPORTED_INSTRUMENT: Described = Described {
    name: "SupportedInstrument",
    about: "What a payment method takes.",
    fields: &[
        ("instrument_type", Text, "Such as `VISA` or `STORED_CARD`."),
        ("verification_value_required", Flag, ""),
    ],
};

pub(crate) static STORED_INSTRUMENT: Described = Described {
    name: "StoredInstrument",
    about: "What BigCommerce stores of a customer.",
    fields: &[
        ("type", Text, "Such as `stored_card`."),
        ("token", Text, "For a payment with it."),
        ("brand", Text, ""),
        ("last_4", Text, ""),
        ("expiry_month", Number, ""),
        ("expiry_year", Number, ""),
        ("issuer_identification_number", Text, ""),
        ("is_default", Flag, ""),
        ("email", Text, ""),
    ],
};
