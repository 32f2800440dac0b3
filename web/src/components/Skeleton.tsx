// Rows that are still to come.
export function Skeleton() {
  return (
    <div aria-hidden="true">
      {Array.from({ length: 8 }, (_, index) => (
        <div key={index} className="row skeleton-row">
          <span className="avatar skeleton" />
          <span className="skeleton-lines"><span className="skeleton" /><span className="skeleton" /></span>
        </div>
      ))}
    </div>
  );
}
