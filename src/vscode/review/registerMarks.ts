import * as vscode from 'vscode';
import type { Register } from '../commandRegistrar';
import { commands } from '../ids';
import { review } from '../lazy';
import type { ReviewComments } from './comments';
import type { ReviewMarks } from './marks';
import type { ReviewResults } from './reviewResults';

/** Marks of what changed, and drafts of comments: both are loaded with the first review. */
export function registerMarks(context: vscode.ExtensionContext, register: Register, results: ReviewResults): void {
  let made: { marks: ReviewMarks; comments: ReviewComments } | undefined;
  const parts = () => {
    if (!made) {
      const { ReviewComments, ReviewMarks } = review();
      const marks = new ReviewMarks(results, vscode.Uri.joinPath(context.extensionUri, 'media'));
      made = { marks, comments: new ReviewComments(results, context.workspaceState) };
      context.subscriptions.push(made.marks, made.comments);
    }
    return made;
  };
  context.subscriptions.push(results.onDidChange(() => void parts()));
  register(commands.nextChange, () => parts().marks.go(1));
  register(commands.previousChange, () => parts().marks.go(-1));
  register(commands.prepareComments, () => parts().comments.prepare());
  register(commands.addComment, argument => parts().comments.addOwn(argument));
  register(commands.editComment, argument => parts().comments.edit(argument));
  register(commands.saveComment, argument => parts().comments.save(argument));
  register(commands.cancelComment, argument => parts().comments.cancelEdit(argument));
  register(commands.deleteComment, argument => parts().comments.remove(argument));
  register(commands.resolveComment, argument => parts().comments.resolve(argument, true));
  register(commands.reopenComment, argument => parts().comments.resolve(argument, false));
  register(commands.copyComment, argument => parts().comments.copy(argument));
  register(commands.copyComments, () => parts().comments.copyAll());
}
