//! The coupon codes that every store knows.

use rust_decimal::Decimal;

/// What a coupon does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Benefit {
    /// Percent of the goods.
    Percent(Decimal),
    /// An amount off the goods.
    Amount(Decimal),
    /// No shipping costs.
    FreeShipping,
}

/// A coupon.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coupon {
    pub(crate) id: u64,
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) benefit: Benefit,
    pub(crate) expired: bool,
}

impl Coupon {
    /// BigCommerce's number of the coupon's type (Orders V2 and carts).
    pub(crate) fn type_number(&self) -> u64 {
        match self.benefit {
            Benefit::Percent(_) => 1,
            Benefit::Amount(_) => 2,
            Benefit::FreeShipping => 4,
        }
    }

    /// BigCommerce's name of the coupon's type (checkouts).
    pub(crate) fn type_name(&self) -> &'static str {
        match self.benefit {
            Benefit::Percent(_) => "percentage_discount",
            Benefit::Amount(_) => "per_total_discount",
            Benefit::FreeShipping => "free_shipping",
        }
    }
}

/// Finds a coupon; codes ignore case.
pub(crate) fn find(code: &str) -> Option<Coupon> {
    let coupon = |id, code, name, benefit| Coupon { id, code, name, benefit, expired: false };
    [
        coupon(1, "TENOFF", "Ten percent off", Benefit::Percent(Decimal::TEN)),
        coupon(2, "FIVER", "Five off", Benefit::Amount(Decimal::from(5))),
        coupon(3, "SHIPFREE", "Free shipping", Benefit::FreeShipping),
        coupon(4, "THIRD", "A third off", Benefit::Percent(Decimal::new(33_333_333, 6))),
        Coupon { expired: true, ..coupon(5, "EXPIRED", "Last year's sale", Benefit::Percent(Decimal::TEN)) },
    ]
    .into_iter()
    .find(|known| known.code.eq_ignore_ascii_case(code))
}
