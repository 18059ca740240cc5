export function debianGuest(): Promise<string> {
  return Promise.reject(new Error('not yet'));
}
