// The report as a note of the merge request, which every pipeline of it updates.
import { pages, request } from '../api.mjs';
import { commentText, mark } from '../report-comment.mjs';

/** Characters that GitLab takes in a note. */
const longestNote = 1_000_000;

/** Makes or updates the note, and says which. Without anything to tell (`isNews`), none is made. @throws ApiError */
export async function writeNote(env, token, report, isNews) {
  const project = encodeURIComponent(env.CI_MERGE_REQUEST_PROJECT_ID || env.CI_PROJECT_ID);
  const mergeRequest = encodeURIComponent(env.CI_MERGE_REQUEST_IID);
  const notes = `${env.CI_API_V4_URL}/projects/${project}/merge_requests/${mergeRequest}/notes`;
  const headers = { 'private-token': token };
  const body = commentText(report, longestNote, 'All of it is among the artifacts of the job.');
  const { data: author } = await request(`${env.CI_API_V4_URL}/user`, { headers });
  for await (const one of pages(`${notes}?per_page=100&sort=asc&order_by=created_at`, headers)) {
    // Anybody can write the mark.
    if (one.author?.id !== author.id || !one.body?.startsWith(mark)) continue;
    await request(`${notes}/${Number(one.id)}`, { method: 'PUT', headers, body: { body } });
    return `The note ${one.id} is updated.`;
  }
  if (!isNews) return 'There is nothing to review, and no note that says otherwise.';
  const { data } = await request(notes, { method: 'POST', headers, body: { body } });
  return `The note ${data.id} is made.`;
}
