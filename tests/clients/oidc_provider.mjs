// A real OpenID provider (npm oidc-provider) for tests: over TLS, people and groups from a file that is read anew each time.
//   node oidc_provider.mjs '{"certificate": PEM_FILE, "people": JSON_FILE, "web_redirect_uris": [...], "port": 0, "secret_method": …, "methods": […]}'
// People: {"alice": {"email": …, "groups": [...]}}. Whoever is not in the file has left. SIGHUP: new signing keys from now on.
// Prints its issuer as one line of JSON when it listens.
import {generateKeyPairSync, randomBytes} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:https';
import Provider from 'oidc-provider';

const settings = JSON.parse(process.argv[2]);
const pem = readFileSync(settings.certificate);
const people = () => JSON.parse(readFileSync(settings.people, 'utf8'));
const cookieKeys = [randomBytes(32).toString('hex')];
const grants = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
const clients = [
  {client_id: 'affidavit-cli', application_type: 'native', token_endpoint_auth_method: 'none', grant_types: grants,
   redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code']},
  {client_id: 'affidavit-console', client_secret: 'console-secret-of-the-tests',
   token_endpoint_auth_method: settings.secret_method ?? 'client_secret_basic', grant_types: ['authorization_code', 'refresh_token'],
   redirect_uris: settings.web_redirect_uris?.length ? settings.web_redirect_uris : ['https://127.0.0.1/callback'], response_types: ['code']},
];

function key(kid) {
  const {privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
  return {...privateKey.export({format: 'jwk'}), kid, use: 'sig', alg: 'RS256'};
}

function made(issuer, generation) {
  return new Provider(issuer, {
    clients,
    jwks: {keys: [key(`key-${generation}`)]},
    cookies: {keys: cookieKeys},
    claims: {openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name']},
    conformIdTokenClaims: false, // as Keycloak, Okta and Entra do: the claims stand in the ID token
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    ...(settings.methods ? {clientAuthMethods: settings.methods} : {}), // what the discovery document offers; left out: all
    pkce: {required: () => true},
    features: {deviceFlow: {enabled: true}, devInteractions: {enabled: true}},
    ttl: {IdToken: settings.id_token_seconds ?? 3600, AccessToken: 3600, RefreshToken: 86400, DeviceCode: 600, Session: 86400, Grant: 86400, Interaction: 600},
    async findAccount(_ctx, sub) {
      const person = people()[sub];
      return person && {accountId: sub, claims: () => ({sub, email_verified: true, ...person})};
    },
  });
}

console.info = console.warn = () => {}; // its notes about development settings
let handler;
const server = createServer({key: pem, cert: pem}, (request, response) => handler(request, response));
server.listen(settings.port ?? 0, '127.0.0.1', () => {
  const issuer = `https://127.0.0.1:${server.address().port}`;
  let generation = 1;
  handler = made(issuer, generation).callback();
  process.on('SIGHUP', () => { handler = made(issuer, ++generation).callback(); });
  console.log(JSON.stringify({issuer}));
});
