//! The catalog every store starts with: one product for each way a cart can go right or wrong.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::money;

/// What is special about a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trait {
    /// Nothing.
    Plain,
    /// At most this many in one order.
    AtMost(u64),
    /// Every unit after the first is half price, on a line of its own.
    SecondHalfPrice,
    /// A seventh off: long fractions.
    SeventhOff,
}

/// A product.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) id: u64,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) name: crate::state::Word,
    pub(crate) digital: bool,
    pub(crate) taxable: bool,
    pub(crate) special: Trait,
    pub(crate) variants: Vec<Variant>,
}

/// A variant: what is really bought.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub(crate) id: u64,
    pub(crate) sku: String,
    pub(crate) price: Decimal,
    /// `None`: stock is not tracked.
    pub(crate) stock: Option<u64>,
    pub(crate) disabled: bool,
    pub(crate) options: Vec<OptionValue>,
}

/// A chosen value of an option.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OptionValue {
    pub(crate) option_id: u64,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) option: crate::state::Word,
    pub(crate) value_id: u64,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) value: crate::state::Word,
}

impl Product {
    /// Whether a variant must be chosen.
    pub(crate) fn has_options(&self) -> bool {
        self.variants.iter().any(|variant| !variant.options.is_empty())
    }

    /// The price after the product's own discount.
    pub(crate) fn sale_price(&self, list: Decimal) -> Decimal {
        match self.special {
            Trait::SeventhOff => money::round_to(list * Decimal::from(6) / Decimal::from(7), 12),
            _ => list,
        }
    }
}

/// The products a store starts with.
pub(crate) fn products() -> Vec<Product> {
    let plain = |id, variant, name, sku: &str, cents| single(id, variant, name, sku, cents);
    vec![
        plain(120, 118, "BigCommerce Coffee Mug", "SM-13", 1500),
        plain(111, 361, "Enamel Kettle", "KET-1", 4550),
        Product { digital: true, ..plain(112, 362, "Roasting Guide (PDF)", "PDF-1", 999) },
        with_stock(plain(113, 363, "Numbered Print", "PRI-1", 12_000), 3),
        with_stock(plain(114, 364, "Hand Grinder", "GRI-1", 8900), 0),
        Product { special: Trait::AtMost(2), ..plain(115, 365, "Tasting Box", "BOX-1", 2900) },
        Product { special: Trait::SecondHalfPrice, ..plain(116, 366, "Espresso Cup", "CUP-1", 1000) },
        Product { special: Trait::SeventhOff, ..plain(117, 367, "Filter Beans", "BEA-1", 1299) },
        Product { taxable: false, ..plain(119, 369, "Cook Book", "BOO-1", 2000) },
        shirt(),
    ]
}

fn single(id: u64, variant: u64, name: &'static str, sku: &str, cents: i64) -> Product {
    let variant = Variant {
        id: variant,
        sku: sku.to_owned(),
        price: Decimal::new(cents, 2),
        stock: None,
        disabled: false,
        options: Vec::new(),
    };
    Product { id, name, digital: false, taxable: true, special: Trait::Plain, variants: vec![variant] }
}

fn with_stock(mut product: Product, stock: u64) -> Product {
    for variant in &mut product.variants {
        variant.stock = Some(stock);
    }
    product
}

/// Product 184 of the orders guide, with its options and values.
fn shirt() -> Product {
    let color = |value_id, value| OptionValue { option_id: 200, option: "Color", value_id, value };
    let size = |value_id, value| OptionValue { option_id: 230, option: "T-Shirt Size", value_id, value };
    let variant = |id, sku: &str, options, disabled| Variant {
        id,
        sku: sku.to_owned(),
        price: Decimal::new(2500, 2),
        stock: Some(1_000_000),
        disabled,
        options,
    };
    Product {
        id: 184,
        name: "T-Shirt",
        digital: false,
        taxable: true,
        special: Trait::Plain,
        variants: vec![
            variant(421, "TS-RE-SM", vec![color(180, "Red"), size(192, "Small")], false),
            variant(422, "TS-RE-ME", vec![color(180, "Red"), size(193, "Medium")], false),
            variant(423, "TS-BL-SM", vec![color(181, "Blue"), size(192, "Small")], false),
            variant(424, "TS-BL-ME", vec![color(181, "Blue"), size(193, "Medium")], true),
        ],
    }
}

/// A variant as the catalog API shows it.
pub(crate) fn variant_json(product: &Product, variant: &Variant) -> Value {
    let options: Vec<Value> = variant
        .options
        .iter()
        .map(|option| {
            json!({
                "id": option.value_id, "label": option.value,
                "option_id": option.option_id, "option_display_name": option.option,
            })
        })
        .collect();
    let message = if variant.disabled { "This combination is not available." } else { "" };
    json!({
        "id": variant.id, "product_id": product.id, "sku": variant.sku, "sku_id": variant.id,
        "price": money::number(variant.price), "calculated_price": money::number(variant.price),
        "sale_price": null, "retail_price": null, "cost_price": 0, "weight": 1, "calculated_weight": 1,
        "width": null, "height": null, "depth": null, "is_free_shipping": false,
        "fixed_cost_shipping_price": null, "purchasing_disabled": variant.disabled,
        "purchasing_disabled_message": message, "upc": "", "mpn": "", "gtin": "", "image_url": "",
        "inventory_level": variant.stock.unwrap_or(0), "inventory_warning_level": 0,
        "bin_picking_number": "", "option_values": options,
    })
}
