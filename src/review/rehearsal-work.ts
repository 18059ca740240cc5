import { SimulatedLab } from '../hypervisors/simulated/lab';
import { placesInCapture, placesInLabs } from '../rehearsal/places';
import { type RehearsalWork, workOf } from '../rehearsal/work';
import type { ReviewRehearsal } from './contract';

/** What a worker is given to rehearse one side of a review. @throws LabFileError */
export async function workOfReview({ plan, inventory, labs }: ReviewRehearsal): Promise<RehearsalWork> {
  if (labs.kind === 'capture') {
    const { places, assumed } = placesInCapture(labs.text, labs.name, inventory, plan);
    return workOf(plan, inventory, places, assumed);
  }
  const { places } = await placesInLabs(inventory, async lab =>
    SimulatedLab.parse(Object.hasOwn(labs.texts, lab) ? labs.texts[lab]! : '', { file: lab }).fork(),
  );
  return workOf(plan, inventory, places, []);
}
