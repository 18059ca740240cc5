import type * as vscode from 'vscode';
import type { Register } from '../commandRegistrar';
import { commands } from '../ids';
import { review } from '../lazy';
import { registerMarks } from './registerMarks';
import { ReviewFiles } from './reviewFiles';
import { ReviewResults } from './reviewResults';
import type { Reviews } from './reviews';

/** The commands of reviews; what makes and shows one is loaded with the first. */
export function registerReview(context: vscode.ExtensionContext, register: Register): ReviewResults {
  const results = new ReviewResults();
  const files = new ReviewFiles();
  context.subscriptions.push(results, files);
  let made: Reviews | undefined;
  const reviews = () => {
    if (!made) {
      made = review().openReviews(results, files);
      context.subscriptions.push(made);
    }
    return made;
  };
  register(commands.reviewChanges, argument => reviews().choose(argument));
  register(commands.reviewAgainst, argument => reviews().against(argument));
  register(commands.reviewAgain, () => reviews().again());
  register(commands.closeReview, () => made?.close());
  register(commands.showReview, () => reviews().show());
  register(commands.comparePlans, argument => reviews().comparePlans(argument));
  registerMarks(context, register, results);
  return results;
}
