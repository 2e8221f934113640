API={{API}}
PUBLISHABLE={{PUBLISHABLE}}
ORIGIN={{ORIGIN}}
KEY={{KEY}}
RUN=first-$(date +%s)-$$
JSON='Content-Type: application/json'
ADDRESS='{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","address1":"1 Main St","city":"Austin","state_or_province":"Texas","state_or_province_code":"TX","postal_code":"78701","country_code":"US","phone":"5125550100"}'
ITEMS='"custom_items":[{"sku":"abc-123","name":"Custom Product","quantity":1,"list_price":10}]'
CARD='"payment_method_id":"stripe.card","instrument":{"type":"card","number":"4111111111111111","cardholder_name":"Ada Lovelace","expiry_month":12,"expiry_year":2035,"verification_value":"123"}'

echo 'as a page does it: the publishable key creates a cart of the catalog, and nothing else'
ANSWER=$(curl -sS -i "$API/v1/checkouts" -H "Authorization: Bearer $PUBLISHABLE" -H "Origin: $ORIGIN" -H "Idempotency-Key: $RUN-page" -H "$JSON" -d "{\"line_items\":[{\"product_id\":120,\"quantity\":1}],\"billing_address\":$ADDRESS,\"consignments\":[{\"address\":$ADDRESS}],\"shipping_preference\":\"cheapest\"}")
CHECKOUT=$(printf '%s\n' "$ANSWER" | sed -n 's|^[Ll]ocation: .*/v1/checkouts/\([0-9a-f-]*\).*|\1|p')
TOKEN=$(printf '%s\n' "$ANSWER" | sed -n 's/.*"checkout_token": *"\([^"]*\)".*/\1/p')
TOTAL=$(printf '%s\n' "$ANSWER" | sed -n 's/.*"totals": *{[^}]*"grand_total": *\([0-9.]*\).*/\1/p')
printf '%s\n' "$ANSWER"

echo 'then the checkout token pays what the shopper agreed to, and no more'
curl -sS "$API/v1/checkouts/$CHECKOUT/complete" -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $RUN-page-pay" -H "$JSON" -d "{\"agreed_total\":$TOTAL,\"payment\":{$CARD}}"; echo

echo 'with the server key, step by step: a cart with a price of our own'
ANSWER=$(curl -sS -i "$API/v1/checkouts" -H "Authorization: Bearer $KEY" -H "Idempotency-Key: $RUN-cart" -H "$JSON" -d "{$ITEMS}")
CHECKOUT=$(printf '%s\n' "$ANSWER" | sed -n 's|^[Ll]ocation: .*/v1/checkouts/\([0-9a-f-]*\).*|\1|p')
TOKEN=$(printf '%s\n' "$ANSWER" | sed -n 's/.*"checkout_token": *"\([^"]*\)".*/\1/p')
AUTH="Authorization: Bearer $TOKEN"
printf '%s\n' "$ANSWER"

echo 'the billing address, then where to ship'
curl -sS -X PUT "$API/v1/checkouts/$CHECKOUT/billing-address" -H "$AUTH" -H "$JSON" -d "$ADDRESS"; echo
ANSWER=$(curl -sS -X PUT "$API/v1/checkouts/$CHECKOUT/consignments" -H "$AUTH" -H "$JSON" -d "[{\"address\":$ADDRESS}]")
printf '%s\n' "$ANSWER"

echo 'one of the shipping options that came back'
OPTION=$(printf '%s\n' "$ANSWER" | sed -n 's/.*"available_shipping_options": *\[{\([^}]*\)}.*/\1/p' | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p')
curl -sS -X PUT "$API/v1/checkouts/$CHECKOUT/shipping-options" -H "$AUTH" -H "$JSON" -d "[{\"shipping_option_id\":\"$OPTION\"}]"; echo

echo 'the order, then the payment: never more than the shopper agreed to'
TOTAL=10.83
curl -sS "$API/v1/checkouts/$CHECKOUT/order" -H "$AUTH" -H "Idempotency-Key: $RUN-order" -H "$JSON" -d '{}'; echo
curl -sS "$API/v1/checkouts/$CHECKOUT/payment" -H "$AUTH" -H "Idempotency-Key: $RUN-payment" -H "$JSON" -d "{\"agreed_total\":$TOTAL,$CARD}"; echo

echo 'the confirmation'
curl -sS "$API/v1/checkouts/$CHECKOUT/order" -H "$AUTH"; echo

echo 'the same in two calls: create with everything known, then complete'
ANSWER=$(curl -sS -i "$API/v1/checkouts" -H "Authorization: Bearer $KEY" -H "Idempotency-Key: $RUN-create" -H "$JSON" -d "{$ITEMS,\"billing_address\":$ADDRESS,\"consignments\":[{\"address\":$ADDRESS}],\"shipping_preference\":\"cheapest\"}")
CHECKOUT=$(printf '%s\n' "$ANSWER" | sed -n 's|^[Ll]ocation: .*/v1/checkouts/\([0-9a-f-]*\).*|\1|p')
TOKEN=$(printf '%s\n' "$ANSWER" | sed -n 's/.*"checkout_token": *"\([^"]*\)".*/\1/p')
curl -sS "$API/v1/checkouts/$CHECKOUT/complete" -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $RUN-complete" -H "$JSON" -d "{\"agreed_total\":$TOTAL,\"payment\":{$CARD}}"; echo
