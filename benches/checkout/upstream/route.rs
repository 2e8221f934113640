//! Which of BigCommerce's calls a request is, and of which cart or order it speaks.

/// A call on the straight path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    CreateCart,
    AddBillingAddress,
    AddConsignments,
    SelectOption,
    ReadCheckout,
    CreateOrder,
    ListOrders,
    ReadOrder,
    CreateToken,
    RedirectUrls,
    Pay,
    /// Any other: answered with 404.
    Strange,
}

impl Call {
    pub(super) const ALL: [Self; 12] = [
        Self::CreateCart,
        Self::AddBillingAddress,
        Self::AddConsignments,
        Self::SelectOption,
        Self::ReadCheckout,
        Self::CreateOrder,
        Self::ListOrders,
        Self::ReadOrder,
        Self::CreateToken,
        Self::RedirectUrls,
        Self::Pay,
        Self::Strange,
    ];
    pub(super) const COUNT: usize = Self::ALL.len();

    /// How many calls can be held, one of each checkout.
    pub(super) const PLACES: u64 = 4;

    /// Its place among them.
    pub(super) const fn place(self) -> Option<u64> {
        match self {
            Self::CreateCart => Some(0),
            Self::AddBillingAddress => Some(1),
            Self::AddConsignments => Some(2),
            Self::SelectOption => Some(3),
            _ => None,
        }
    }
}

/// The call, and the id of the cart (or the number of the order) in its path or query.
pub(super) fn of<'a>(method: &str, path: &'a str, query: &'a str) -> (Call, &'a str) {
    // "", "stores", the hash of the store, and then what matters.
    let mut segments = path.split('/').skip(3);
    let mut next = || segments.next().unwrap_or_default();
    let (api, kind, id, below, further) = (next(), next(), next(), next(), next());
    let call = match (method, api, kind, below) {
        ("POST", "v3", "carts", "") => Call::CreateCart,
        ("POST", "v3", "carts", "redirect_urls") => Call::RedirectUrls,
        ("GET", "v3", "checkouts", "") => Call::ReadCheckout,
        ("POST", "v3", "checkouts", "billing-address") => Call::AddBillingAddress,
        ("POST", "v3", "checkouts", "consignments") => Call::AddConsignments,
        ("PUT", "v3", "checkouts", "consignments") if !further.is_empty() => Call::SelectOption,
        ("POST", "v3", "checkouts", "orders") => Call::CreateOrder,
        ("GET", "v2", "orders", "") if id.is_empty() => return (Call::ListOrders, cart_in(query)),
        ("GET", "v2", "orders", "") => Call::ReadOrder,
        ("POST", "v3", "payments", "") if id == "access_tokens" => Call::CreateToken,
        ("POST", "payments", "", "") => Call::Pay,
        _ => Call::Strange,
    };
    (call, id)
}

fn cart_in(query: &str) -> &str {
    query.split('&').find_map(|pair| pair.strip_prefix("cart_id=")).unwrap_or_default()
}
