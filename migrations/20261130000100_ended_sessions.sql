-- Sessions of the dashboard that an operator ended before their time. Every process looks here, so that a copied cookie ends with
-- them. Rows go once the session would have ended by itself.
create table ended_session (
    -- The random part of a cookie, which opens nothing without the signature; or `of ` and the operator: all that began until `at`.
    session text primary key,
    at timestamptz not null,
    expires_at timestamptz not null
);
